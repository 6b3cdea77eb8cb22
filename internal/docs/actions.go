package docs

import "github.com/keyward/keyward/verdict"

// actionCode is what a fix of a verdict asks for.
type actionCode struct {
	Code    string
	Target  string // what the fix is about; "" is nothing
	Done    string // what somebody has to do
	Program string // what a program can do about it
}

// describeAction explains an action to who writes programs. An unknown one
// explains itself.
func describeAction(a verdict.Action) actionCode {
	for _, explain := range []func(verdict.Action) actionCode{customerAction, deviceAction, vendorAction} {
		if out := explain(a); out.Done != "" {
			out.Code = string(a)
			return out
		}
	}
	return actionCode{Code: string(a)}
}

// customerAction explains what customers do about their license.
func customerAction(a verdict.Action) actionCode {
	switch a {
	case verdict.CheckKey:
		return actionCode{"", "", "Compare the key with the one in My Licenses and type it again.", "Ask for the key again. Do not repeat the request with the same one: unknown keys are counted."}
	case verdict.ContactVendor:
		return actionCode{"", "", "Write to the vendor, who is the only one to change this.", "Show the way to your support, with the code and the key's last characters."}
	case verdict.Appeal:
		return actionCode{"", "", "Write to support if the block is a mistake.", "Show the way to your support. Do not try again by yourself."}
	case verdict.Claim:
		return actionCode{"", "", "Have the license assigned to the account of whoever bought it.", "Show the way to your support, or assign it in your shop with assign-license."}
	case verdict.Renew:
		return actionCode{"", "", "Renew the license where it is sold.", "Open href in a browser where there is one. Your shop then renews with renew-license."}
	case verdict.Settle:
		return actionCode{"", "", "Pay the open invoice.", "Show the way to your billing. Once it is paid, end the suspension with reinstate-license."}
	case verdict.Upgrade:
		return actionCode{"", "the feature", "Buy an edition that includes the feature.", "Leave the feature out, or offer the upgrade. Your shop then sets it with edit-license."}
	case verdict.UseProductKey:
		return actionCode{"", "", "Use a key of the product that asks.", "Ask for another key. Where the actor is the developer, the request names another product than its token is for."}
	case verdict.SetClock:
		return actionCode{"", "", "Set the clock of the device right.", "Show the sentence; ask again once the clock was set."}
	case verdict.UseVersion:
		return actionCode{"", "the newest version that is included", "Use a version that the license includes.", "Offer the version of target. The list of releases has its files."}
	case verdict.ChooseRelease:
		return actionCode{"", "the release to take instead", "Take another release.", "Offer the release of target, or choose from the list of releases."}
	}
	return actionCode{}
}

// deviceAction explains what is done on and about devices.
func deviceAction(a verdict.Action) actionCode {
	switch a {
	case verdict.ActivateDevice:
		return actionCode{"", "another device of the same name", "Activate the license on this device.", "Ask your customer, then call activate with the same device."}
	case verdict.DeactivateDevice:
		return actionCode{"", "the device that was unused the longest", "Free a seat by deactivating a device.", "Open href in a browser where there is one: the portal lets this device in. A secret token ends an activation with end-activation."}
	case verdict.CheckIn:
		return actionCode{"", "", "Renew the hold on the floating seat.", "Call check-in again. If no seat is free then, wait and say so."}
	case verdict.SendDevice:
		return actionCode{"", "", "Name the device that asks.", "Send device with every call: the product demands it."}
	case verdict.UseKind:
		return actionCode{"", "a kind that is accepted", "Use a device identifier of an accepted kind.", "Send device.kind as target says, and an identifier of that kind."}
	case verdict.ReturnFile:
		return actionCode{"", "", "Return an offline file that is no longer needed.", "Show the way to the license in the portal."}
	case verdict.Wait:
		return actionCode{"", "", "Wait until available_from.", "Ask again then, not before."}
	case verdict.UseEnvironment:
		return actionCode{"", "the environment of the license", "Use the license where it belongs.", "Use a token of the environment that target names. A test key does not work in production."}
	}
	return actionCode{}
}

// vendorAction explains what administrators do.
func vendorAction(a verdict.Action) actionCode {
	switch a {
	case verdict.Unblock:
		return actionCode{"", "", "Take the caller off the block list.", "Nothing: an administrator decides."}
	case verdict.ActivateProduct:
		return actionCode{"", "", "Switch the product on again.", "A secret token does it with switch-product, or kill-product if everything was stopped."}
	case verdict.Assign:
		return actionCode{"", "", "Assign the license to a customer.", "A secret token does it with assign-license."}
	case verdict.ReplaceLicense:
		return actionCode{"", "", "Issue another license: a revoked one does not come back.", "A secret token does it with issue-license."}
	case verdict.Extend:
		return actionCode{"", "", "Extend the license.", "A secret token does it with renew-license."}
	case verdict.Reinstate:
		return actionCode{"", "", "End the suspension.", "A secret token does it with reinstate-license."}
	case verdict.ChangeStart:
		return actionCode{"", "", "Issue a license that starts earlier.", "A secret token does it with issue-license: the start of a license stays."}
	case verdict.RenewMaintenance:
		return actionCode{"", "", "Include newer versions in the license.", "A secret token sets max_version and updates_until with edit-license."}
	case verdict.AddFeature:
		return actionCode{"", "the feature", "Add the feature to the license.", "A secret token does it with edit-license."}
	case verdict.RaiseLimit:
		return actionCode{"", "", "Allow more devices.", "A secret token raises limit with edit-license."}
	case verdict.AllowOffline:
		return actionCode{"", "", "Allow offline files for the product, or more of them.", "A secret token does it with set-offline."}
	}
	return actionCode{}
}
