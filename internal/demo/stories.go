package demo

import (
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/intake"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

// author writes stories about one customer's licenses.
type author struct {
	uses     *server.Services
	products []*product
	owner    account.Actor
	now      time.Time
	stories  []*story
}

// seat is a device that was there before Keyward came.
func (a *author) seat(m machine, activated time.Duration) intake.Seat {
	return intake.Seat{
		Device:      license.Device{Identifier: m.ID, Kind: m.Kind, Name: m.Name, Platform: m.Platform},
		ActivatedAt: a.now.Add(-activated),
	}
}

// license begins the story of a license of a product.
func (a *author) license(name string, product int) *story {
	s := &story{case_: name, product: a.products[product], now: a.now, owner: a.owner, uses: a.uses}
	s.version = s.product.version
	a.stories = append(a.stories, s)
	return s
}

func of(plan string) licensing.Issue { return licensing.Issue{Generator: plan} }

func pointer[T any](v T) *T { return &v }

// The machines of the main customer.
var (
	maraBook   = hardware("Mara's MacBook Pro", mac)
	maraStudio = hardware("STUDIO-01", windows)
	field1     = hardware("Field laptop 1", win10)
	field2     = hardware("Field laptop 2", ubuntu)
	field3     = hardware("Field laptop 3", fedora)
	plotter    = hardware("Plotter room", windows)
	frontDesk  = hardware("FRONTDESK-PC", windows)
	intern     = hardware("Intern iMac", macOld)
	newHire    = hardware("Lena's new ThinkPad", windows)
	buildBox   = hardware("build-agent-03", ubuntu)
	ciRunner   = hardware("ci-runner-arm", debian)
	nas        = hardware("nas.office.halden.example", debian)
	oldTower   = hardware("Old tower (basement)", win10)
	vault      = hardware("Archive vault terminal", debian)
	survey     = hardware("Survey rig without network", fedora)
	ship       = hardware("MV Halden, chart room", windows)
	lostTablet = hardware("Tablet of field crew 7", win10)
	longName   = hardware("Surveying vehicle 4, workstation behind the driver's seat, replacement for the one stolen in Gothenburg in spring", windows)
)

// main is the customer to look at: forty licenses in every situation.
func (a *author) main() {
	a.cases()
	a.more()
	a.others()
}

// cases are those that scripts rely on.
func (a *author) cases() {
	a.license("active", cartograph).issue(290*day, of(team)).
		device(maraBook, 289*day, 100*day, 3*hour).device(maraStudio, 288*day, 40*day, 26*hour).
		live(maraBook, maraStudio)
	a.license("limit_reached", cartograph).issue(200*day, of(team)).
		device(field1, 199*day, 2*hour).device(field2, 199*day, 5*hour).device(plotter, 198*day, 3*day).
		device(frontDesk, 150*day, 20*time.Minute).device(oldTower, 190*day, 96*day).
		refused(newHire, 50*hour).refused(newHire, 49*hour).refused(intern, 4*hour).
		live(field1, field2, frontDesk)
	a.license("expiring", cartograph).issue(360*day, of(individual)).
		device(intern, 359*day, 8*day, 7*hour).live(intern)
	a.license("expired", cartograph).issue(386*day, of(team)).
		device(field1, 380*day, 22*day).device(field3, 379*day, 30*day).
		refused(newHire, 6*day)
	a.license("suspended", cartograph).issue(120*day, of(team)).
		device(plotter, 119*day, 10*day).device(field3, 118*day, 9*day).
		suspended(9*day, license.Payment, "Invoice 2381 has been open for 45 days. The license works again as soon as it is paid.").
		refused(newHire, 3*day)
	a.license("revoked", cartograph).issue(250*day, of(individual)).
		device(oldTower, 249*day, 70*day).
		revoked(61*day, license.Leak, "This key was found on a public forum. We have issued you a replacement.")
	a.license("assigned", cartograph).issue(2*day, of(team))
	a.license("high_security", tessera).issue(210*day, of("Business")).copied(209*day).
		device(buildBox, 209*day, 1*hour).device(ciRunner, 208*day, 2*hour).copied(12*day).
		live(buildBox, ciRunner)
	a.license("staging", cartographStaging).issue(100*day, of(team)).
		device(buildBox, 99*day, 90*time.Minute).live(buildBox)
	a.license("perpetual", cartograph).issue(800*day, of("Lifetime")).running("8.4.1").
		device(maraBook, 799*day, 6*day).device(nas, 500*day, 12*hour)
	a.license("version_limited", cartograph).
		issue(230*day, licensing.Issue{Generator: team, MaxVersion: pointer("8.x")}).running("8.4.1").
		device(field2, 229*day, 30*hour).device(longName, 228*day, 8*hour).live(longName)
}

// more are the remaining situations a license can be in.
func (a *author) more() {
	a.license("unlimited", cartograph).issue(300*day, of(enterprise)).
		device(maraStudio, 299*day, 2*hour).device(field1, 290*day, 9*hour).device(field2, 280*day, 1*day).
		device(field3, 270*day, 40*time.Minute).live(field3)
	a.license("hours left", driftwood).issue(365*day-6*hour, of(individual)).
		device(maraBook, 364*day, 8*hour).device(nas, 300*day, 2*hour).live(nas)
	a.license("in grace", driftwood).issue(368*day, licensing.Issue{Generator: team, Grace: 14 * day}).
		device(nas, 367*day, 4*hour).device(maraStudio, 360*day, 5*day).live(nas)
	a.license("suspended by hand", driftwood).issue(90*day, of(individual)).
		device(frontDesk, 89*day, 15*day).suspended(14*day, license.Manual, "")
	a.license("no device left", driftwood).issue(140*day, of(individual)).
		device(oldTower, 139*day, 60*day).freed(oldTower, 41*day)
	a.license("not started", cartograph).
		issue(3*day, licensing.Issue{Generator: enterprise, StartsAt: a.now.Add(18 * day)})
	a.license("updates until", cartograph).
		issue(260*day, licensing.Issue{Generator: team, ValidityDays: pointer(0), UpdatesUntil: a.now.Add(108 * day)}).
		device(plotter, 259*day, 11*hour).live(plotter)
	a.license("updates over", cartograph).
		issue(500*day, licensing.Issue{Generator: individual, ValidityDays: pointer(0), UpdatesUntil: a.now.Add(-135 * day)}).running("8.4.1").
		device(frontDesk, 499*day, 2*day)
	a.license("development", cartographDevelopment).issue(60*day, of(individual)).device(maraBook, 59*day, 3*hour).live(maraBook)
	a.license("long names", longNamed).issue(340*day, of("")).device(longName, 330*day, 50*time.Minute).live(longName)
	a.license("never seen", longNamed).issue(33*day, of("")).device(plotter, 32*day)
	a.license("full and asked for", quill).issue(75*day, of(individual)).
		device(maraBook, 74*day, 1*hour).device(frontDesk, 70*day).freed(frontDesk, 9*day).
		device(intern, 8*day, 2*hour).named(intern, "Intern desk, 2nd floor", 7*day).refused(newHire, 5*hour).
		live(maraBook, intern).besieged(newHire)
	a.license("website", quill).issue(180*day, of("Website")).
		device(website("halden.example", "Website"), 179*day, 25*time.Minute).
		device(website("karten.halden.example", "Map viewer"), 150*day, 35*time.Minute).
		live(website("halden.example", "Website"))
	a.license("no self-service", sonar).issue(110*day, of(individual)).
		device(buildBox, 109*day, 7*hour).device(ciRunner, 100*day, 13*hour).refused(field2, 20*hour).live(buildBox)
	a.license("trial over", sonar).issue(75*day, of("Trial")).device(maraStudio, 75*day, 46*day)
	a.license("key not on file", sonar).
		taken(640*day, intake.License{Plan: individual, Key: "SNR-G7WQ-B4NH-9RTC-M2XD", HashOnly: true, Limit: 2}).
		device(buildBox, 639*day, 5*day)
	a.license("over limit", driftwood).taken(280*day, intake.License{
		Plan: individual, Key: "DRIFT-P8V3M-QH7CR-2WKXN", Limit: 2, ExpiresAt: a.now.Add(85 * day),
		Seats: []intake.Seat{a.seat(maraBook, 281*day), a.seat(frontDesk, 281*day), a.seat(field2, 281*day)},
	}).checkIn(maraBook, 6*hour).checkIn(frontDesk, 3*day).checkIn(field2, 9*day).refused(newHire, 30*hour).live(maraBook)
	a.license("renewed", driftwood).issue(700*day, of(team)).renewed(350*day, 365).renewed(2*day, 365).
		device(nas, 699*day, 6*hour).device(frontDesk, 400*day, 1*day).live(frontDesk)
	a.license("floating", relief).issue(130*day, of("")).
		device(field1, 129*day, 129*day-20*time.Minute).tidied(121*day).
		device(plotter, 27*hour, 27*hour-25*time.Minute).device(field2, 65*time.Minute, 50*time.Minute).
		device(maraStudio, 20*time.Minute).device(frontDesk, 9*time.Minute, 2*time.Minute).
		live(maraStudio, frontDesk)
	a.license("reinstated", cartograph).issue(170*day, of(team)).
		device(field1, 169*day, 12*hour).suspended(80*day, license.Contract, "").reinstated(73*day).live(field1).
		offline(vault, 60*day).broughtBack(vault, 25*day).offline(survey, 86*day).offline(ship, 12*day).
		offline(lostTablet, 70*day).missed(lostTablet, 5*day)
}

// others fill the list as a customer of some years has it.
func (a *author) others() {
	a.license("", tessera).issue(20*day, of("Business")).copied(20*day).device(field2, 19*day, 2*day)
	a.license("", tessera).issue(400*day, of("Business")).device(oldTower, 399*day, 50*day)
	a.license("", tessera).issue(6*day, of(enterprise))
	a.license("", sonar).issue(45*day, of(team)).device(ciRunner, 44*day, 4*hour).device(buildBox, 40*day, 5*hour).live(ciRunner)
	a.license("", sonar).issue(12*day, of("Trial")).device(maraBook, 11*day, 9*day)
	a.license("", quill).issue(430*day, of(individual)).device(intern, 429*day, 80*day)
	a.license("", cartograph).issue(55*day, of(individual)).device(newHire, 3*day, 2*hour).live(newHire)
	a.license("", cartograph).issue(900*day, of(individual)).device(oldTower, 899*day, 560*day).
		revoked(540*day, license.Refund, "Refunded on request.")
	a.license("", driftwood).issue(1*hour, of(individual))
}

// few are the licenses of a customer who has not many.
func (a *author) few() {
	bench, lab := hardware("bench-linux", fedora), hardware("LAB-PC-2", windows)
	a.license("", cartograph).issue(130*day, of(individual)).device(bench, 129*day, 3*hour).device(lab, 100*day, 1*day).live(bench)
	a.license("", sonar).issue(80*day, of(team)).device(bench, 79*day, 5*hour)
	a.license("", tessera).issue(9*day, of("Business"))
	a.license("", quill).issue(390*day, of(individual)).device(lab, 389*day, 40*day)
}
