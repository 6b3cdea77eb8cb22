package verdict

import "time"

// Action is what a fix asks somebody to do. The set is closed, so that a test
// can apply each action to the facts and see the check pass.
type Action string

// The actions.
const (
	CheckKey         Action = "check_key"
	ContactVendor    Action = "contact_vendor"
	Appeal           Action = "appeal"
	Unblock          Action = "unblock"
	UseEnvironment   Action = "use_environment"
	UseProductKey    Action = "use_product_key"
	Wait             Action = "wait"
	ActivateProduct  Action = "activate_product"
	Assign           Action = "assign"
	Claim            Action = "claim"
	ReplaceLicense   Action = "replace_license"
	Renew            Action = "renew"
	Extend           Action = "extend"
	Settle           Action = "settle"
	Reinstate        Action = "reinstate"
	ChangeStart      Action = "change_start"
	UseVersion       Action = "use_version"
	RenewMaintenance Action = "renew_maintenance"
	Upgrade          Action = "upgrade"
	AddFeature       Action = "add_feature"
	SendDevice       Action = "send_device"
	UseKind          Action = "use_kind"
	ActivateDevice   Action = "activate_device"
	CheckIn          Action = "check_in"
	DeactivateDevice Action = "deactivate_device"
	RaiseLimit       Action = "raise_limit"
	SetClock         Action = "set_clock"
	ChooseRelease    Action = "choose_release"
	ReturnFile       Action = "return_file"
	AllowOffline     Action = "allow_offline"
)

// Actions lists every action.
func Actions() []Action {
	return []Action{
		CheckKey, ContactVendor, Appeal, Unblock, UseEnvironment, UseProductKey,
		Wait, ActivateProduct, Assign, Claim, ReplaceLicense, Renew,
		Extend, Settle, Reinstate, ChangeStart, UseVersion, RenewMaintenance,
		Upgrade, AddFeature, SendDevice, UseKind, ActivateDevice, CheckIn,
		DeactivateDevice, RaiseLimit, SetClock, ChooseRelease, ReturnFile, AllowOffline,
	}
}

// Actor is who can do it.
type Actor string

// The actors.
const (
	ByCustomer      Actor = "customer"
	ByAdministrator Actor = "administrator"
	ByDeveloper     Actor = "developer"
	BySoftware      Actor = "software"
	ByNobody        Actor = "nobody" // nothing but time helps
)

// Fix is one thing that would make a failing check pass.
type Fix struct {
	Check         Code       `json:"check"`
	Action        Action     `json:"action"`
	Actor         Actor      `json:"actor"`
	Target        string     `json:"target,omitempty"` // device, version, feature or kind it is about
	Href          string     `json:"href,omitempty"`   // where to do it
	AvailableFrom *time.Time `json:"available_from,omitempty"`
}
