package event

// Offered lists the types that webhooks can hear of, in the order in which they
// are offered: what happens to products, licenses and devices. What people do
// with their accounts is theirs.
func Offered() []Type {
	return []Type{
		ProductCreated, ProductEnabled, ProductDisabled, ProductKilled, ProductRestored, ProductOffline, ProductKeyRotated, GeneratorCreated, ReleaseCreated,
		LicenseCreated, LicenseAssigned, LicenseActivated, LicenseSuspended, LicenseReinstated, LicenseRenewed, LicenseChanged,
		LicenseRevoked, LicenseExpired,
		ActivationCreated, ActivationDeactivated, OfflineIssued, OfflineReturned,
	}
}
