package verdict

// Code names a check, and a verdict by its first failing check.
type Code string

// Valid is the code of a verdict in which no check failed.
const Valid Code = "valid"

// The checks, in the order in which they are made and reported.
const (
	KeyUnknown          Code = "key_unknown"
	Blocked             Code = "blocked"
	EnvironmentMismatch Code = "environment_mismatch"
	ProductMismatch     Code = "product_mismatch"
	ProductInactive     Code = "product_inactive"
	NotAssigned         Code = "not_assigned"
	Revoked             Code = "revoked"
	Expired             Code = "expired"
	Suspended           Code = "suspended"
	NotStarted          Code = "not_started"
	VersionNotEligible  Code = "version_not_eligible"
	FeatureMissing      Code = "feature_missing"
	IdentifierRequired  Code = "identifier_required"
	IdentifierKind      Code = "identifier_kind"
	NotActivated        Code = "not_activated"
	SeatLapsed          Code = "seat_lapsed"
	LimitReached        Code = "limit_reached"
	ActivationPaused    Code = "activation_paused"
	ClockSkew           Code = "clock_skew"
	ReleaseNotAvailable Code = "release_not_available"
	OfflineNotAllowed   Code = "offline_not_allowed"
)

// Codes lists every check in order.
func Codes() []Code {
	return []Code{
		KeyUnknown, Blocked, EnvironmentMismatch, ProductMismatch, ProductInactive,
		NotAssigned, Revoked, Expired, Suspended, NotStarted, VersionNotEligible,
		FeatureMissing, IdentifierRequired, IdentifierKind, NotActivated, SeatLapsed,
		LimitReached, ActivationPaused, ClockSkew, ReleaseNotAvailable, OfflineNotAllowed,
	}
}

// WarningCode names a warning.
type WarningCode string

// The warnings.
const (
	ExpiresSoon    WarningCode = "expires_soon"   // ends within SoonWindow
	InGrace        WarningCode = "in_grace"       // past its expiry date, not yet past its grace
	UpdatesEnding  WarningCode = "updates_ending" // free updates end within UpdatesWindow
	LimitNear      WarningCode = "limit_near"     // one seat left
	OverLimit      WarningCode = "over_limit"     // more devices than the lowered limit allows
	DeviceStale    WarningCode = "device_stale"   // a device has not been heard of for StaleAfter
	NoDeviceActive WarningCode = "no_device"      // activated before, no device at the moment
)

// Words are what people read for a code: a title of at most five words, a
// sentence for the customer who owns the license, and one for a developer.
type Words struct {
	Title     string
	Customer  string
	Developer string
}

// Describe returns the words for a code. An unknown code describes itself.
func Describe(code Code) Words {
	switch code {
	case Valid:
		return Words{"Valid", "This license works.", "The license is valid for this purpose."}
	case KeyUnknown:
		return Words{"License key not recognized", "No license with this key was found. Check it for typing mistakes, or copy it again from My Licenses.", "No license with this key exists for this token's product and environment."}
	case Blocked:
		return Words{"Access blocked", "This address, device or account is blocked. Write to support if you think this is a mistake.", "The caller is on the block list."}
	case EnvironmentMismatch:
		return Words{"Wrong environment", "This license belongs to another environment than the one that was asked for.", "The request names another environment than the token's."}
	case ProductMismatch:
		return Words{"License for another product", "This license is for another product. Use the key of this product.", "The license belongs to another product than the one requested."}
	case ProductInactive:
		return Words{"Product switched off", "The vendor has switched this product off for now.", "The product is inactive or killed."}
	case NotAssigned:
		return Words{"License not assigned", "Nobody owns this license yet, so it cannot be used.", "The license has no owner yet; assign it first."}
	case Revoked:
		return Words{"License revoked", "This license has been ended for good and cannot be used again.", "The license is revoked; this is permanent."}
	case Expired:
		return Words{"License expired", "The license period has ended, so the software no longer validates. Renew it to restore functionality.", "The license is past its expiry and grace."}
	case Suspended:
		return Words{"License suspended", "The administrator has paused this license. It works again as soon as it is reinstated.", "The license is suspended."}
	case NotStarted:
		return Words{"License not started yet", "This license becomes valid on its start date.", "The license's start date is in the future."}
	case VersionNotEligible:
		return Words{"Version not included", "This license does not include that version of the software.", "The version is above the license's maximum or was released after its updates ended."}
	case FeatureMissing:
		return Words{"Feature not included", "This license does not include a feature that was asked for.", "At least one requested feature is not in the license."}
	case IdentifierRequired:
		return Words{"Device not named", "The software did not say which device it runs on.", "Send device.id: this product requires a device."}
	case IdentifierKind:
		return Words{"Wrong kind of device", "This product is activated for another kind of device than the one that asked.", "device.kind is not accepted by this product."}
	case NotActivated:
		return Words{"Not activated", "The license is not activated on this device yet. Activate it in the software.", "This device holds no seat; call activate first."}
	case SeatLapsed:
		return Words{"Seat not renewed", "This device did not check in for too long, so its seat was freed.", "The floating seat lapsed; check in or activate again."}
	case LimitReached:
		return Words{"Activation limit reached", "All activations are in use, so a new device cannot be activated. Devices already activated keep working.", "No seat is free; deactivate a device or raise the limit."}
	case ActivationPaused:
		return Words{"Activations paused", "New activations of this license are paused for the moment.", "Activations of this license are paused."}
	case ClockSkew:
		return Words{"Clock is wrong", "The clock of the device is off by more than is allowed. Set date and time, then try again.", "The caller's clock differs from the server's by more than allowed."}
	case ReleaseNotAvailable:
		return Words{"Release not available", "This release cannot be downloaded with this license.", "The release is not published or not accessible."}
	case OfflineNotAllowed:
		return Words{"Offline use not included", "This license cannot be used offline, or all its offline files are in use.", "Product or license do not permit (more) offline files."}
	}
	return Words{Title: string(code), Customer: string(code), Developer: string(code)}
}
