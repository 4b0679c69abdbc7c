"""The pages of what planning and applying report: P2xx to P4xx, A1xx and A5xx.

They stand here, beside the command that shows them, as the modules that report these codes are pure and several.
"""

from typing import Final

from pnsync.explain import Page

PLAN_PAGES: Final[dict[str, Page]] = {
    "P201": Page(
        "A declared binding has ended",
        "Its expires_at has passed, so nothing is due for it any more. Its lines can go from the files.",
    ),
    "P202": Page(
        "An expired binding is left alone",
        "It is declared to be bound once (keep: false), or its expires_at has passed. To have it again, declare it with "
        "expires_in and without keep: false.",
        "expires_in: 1d",
    ),
    "P203": Page(
        "Nothing to replace",
        "--replace names an address of which nothing is live, or which is bound in this plan anyhow. Look for it in the "
        "state; a group cannot be replaced.",
        "pnsync state list",
    ),
    "P204": Page(
        "A selector fits nothing",
        "No address of the files or of the state fits a --target or an --exclude: a slip of the pen selects, or spares, "
        "nothing. A selector is an address, a glob as bindings.clinic-*, a label as team=north or a provider as "
        "provider=nx; quote globs, so that the shell leaves them alone.",
        "pnsync plan --target 'bindings.clinic-*'",
    ),
    "P301": Page(
        "One of our ids carries other values",
        "The vendor lists a binding with an id that only pnsync gives, and with other phones, another X or another "
        "extension than were sent. Somebody else has used the id, or the vendor has changed the binding. pnsync touches "
        "nothing: look at the binding at the vendor, remove it there or take its values into the file, and plan again.",
    ),
    "P302": Page(
        "Two bindings could be the outcome of one call",
        "A call ended without an answer, or the network delivered it twice, or somebody bound the same pair a moment "
        "later: the vendor, which knows no ids of ours, lists two bindings that both could be its outcome. Taking the wrong one would unbind somebody else's. Look at both at the vendor and remove the one that "
        "should not be; the next plan then finds one.",
    ),
    "P303": Page(
        "Two groups could be the outcome of one call",
        "A createGroup ended without an answer, and two groups of that name and those phones are listed. Remove one at "
        "the vendor; the next plan takes the other.",
    ),
    "P304": Page(
        "The vendor made several bindings of one request",
        "A request was delivered twice, by a network or a proxy, and the vendor made a binding each time, although both "
        "carry one customerBindId. The older one stays, the others are unbound by this plan.",
    ),
    "P305": Page(
        "A call is taken to have had no effect, on thin evidence",
        "The vendor's listing does not show the binding after its settle window, and it has never been seen to list a "
        "binding of this mode at all. Look at the vendor for a second one.",
    ),
    "P310": Page(
        "What is declared is taken by a binding that is not ours",
        "The X and extension, the pair or the phone is used by a live binding that pnsync did not make, and it never "
        "unbinds what it did not make. Take it over, remove it at the vendor, or declare other values.",
        "pnsync import bindings.desk-7 BIND_ID",
    ),
    "P311": Page(
        "A declared binding is live already",
        "The vendor lists a binding that equals the declared one, and nothing proves that pnsync made it. Binding again "
        "would make a second one. Take it over; until then it is not renewed.",
        "pnsync import --match",
    ),
    "P320": Page(
        "The vendor lists no such group",
        "A group without phones is read from the vendor, by its name or group_id, and none fits. Create it at the vendor, "
        "correct the name, or declare its phones, so that pnsync creates it.",
        "couriers: {provider: nx, holds: people, phones: […]}",
    ),
    "P321": Page(
        "The vendor lists several groups of this name",
        "Names of groups are not unique at the vendor. Name the one that is meant by its id.",
        "hotline-pool: {provider: nx, holds: numbers, group_id: …}",
    ),
    "P322": Page(
        "A group's name and remark cannot be changed",
        "The vendor has no call for it. Declare a new group, move the bindings to it, and remove this one.",
    ),
    "P323": Page(
        "A group of this name exists and is not ours",
        "Creating a second one of that name would make both hard to tell apart. Take it over, or choose another "
        "group_name.",
        "pnsync import groups.couriers GROUP_ID",
    ),
    "P324": Page(
        "A group is declared at another provider than the one it was made at",
        "A vendor account knows its own groups only: the same id at another is somebody else's group, and the one that "
        "was made would be left behind. Declare a new group there, move the bindings to it, then remove this one.",
        "couriers-2: {provider: nx-2, holds: people, phones: […]}",
    ),
    "P330": Page(
        "An X has left its group",
        "Bindings on it keep it, as moving them changes the number that people dial. To move them, name the number under "
        "drain.",
        "hotline-pool: {provider: nx, holds: numbers, drain: [447401264117]}",
    ),
    "P331": Page(
        "A group has no room left",
        "Every X of the group has all its extensions in use, reserved, in quarantine, or taken by bindings that pnsync did "
        "not make. Add numbers to the group at the vendor, widen extensions, or remove bindings.",
        "extensions: {range: 100-899}",
    ),
    "P332": Page(
        "A fixed number was another's a moment ago",
        "Who dialled it yesterday from habit reaches somebody else today. Numbers that pnsync picks rest for the policy's "
        "quarantine first; one that a file fixes is bound at once, with this warning.",
        "policy: {quarantine: 24h}",
    ),
    "P333": Page(
        "A number is being drained",
        "No new binding gets it, and those on it move as the plan says. When it is empty it can leave the group.",
    ),
    "P334": Page(
        "A drained number cannot be emptied",
        "The group's other numbers have no room for the bindings on it, so they stay. Add a number, or free extensions.",
    ),
    "P336": Page(
        "A number that pnsync chose is now somebody else's",
        "A file has fixed that X and extension for another binding, or another binding has it at the vendor. This one "
        "gets another, and the people who dial it must be told.",
    ),
    "P340": Page(
        "Believed live, as the vendor does not list such bindings",
        "No page of the vendor says that its list shows bindings of this mode, and none was ever seen in it. So their "
        "absence says nothing: they are believed live until they expire, and are bound again then. As soon as one is "
        "listed, absences count.",
    ),
    "P341": Page(
        "An unbind without a proof",
        "pnsync unbinds only what a listing shows to be its own, and the vendor's listing was never seen to show a "
        "binding like this one. Apply will not make the call. Unbind it at the vendor and take the address out of the "
        "state, or wait until it has expired.",
        "pnsync state rm bindings.NAME",
    ),
    "P342": Page(
        "Another binding is listed under a recorded id",
        "The vendor lists a live binding under the id that the state records, and its phones, or the id that pnsync gave "
        "it, are not those that were bound. Either the vendor has given the id again, or somebody changed the binding "
        "there. Nothing proves it ours, so pnsync goes on as if its own were gone, and leaves this one. Look at it at the "
        "vendor; unbind it there if nobody wants it.",
    ),
    "P343": Page(
        "What was unbound is listed still",
        "The vendor answered that it unbound the binding, or its listing showed so, and half an hour later it lists it again. "
        "It may have been bound anew by somebody under an id that the vendor gave again, or the unbind had no effect: then "
        "people are connected who should not be. Look at it at the vendor, and unbind it there. Where an id of pnsync's own "
        "proves it (NXCloud), pnsync unbinds it once more by itself.",
    ),
    "P350": Page(
        "A call would connect wrongly between two calls of this plan",
        "While the plan is being applied, after one of its calls and before the next, somebody who dials the number would "
        "reach a person whom neither the old nor the new declaration names. Apply it in two parts.",
        "pnsync apply --exclude bindings.desk-7",
    ),
    "P401": Page(
        "Protected",
        "The plan would unbind, rebind or delete what is declared with protect: true. The state remembers it also when "
        "the lines are gone. Apply protect: false by itself first, then this change.",
        "desk-7: {…, protect: false}",
    ),
    "P402": Page(
        "Too many unbinds",
        "The plan would unbind more than policy.max_unbind allows, or everything: most often a failed include, a wrong "
        "folder or a bad merge. If it is meant, name exactly the count.",
        "pnsync apply --allow-unbind 37",
    ),
    "P403": Page(
        "Too many rebinds",
        "The plan would rebind more than policy.max_rebind allows; renewals are not counted. If it is meant, name exactly "
        "the count.",
        "pnsync apply --allow-rebind 120",
    ),
    "P404": Page(
        "Too many bindings are missing at the vendor",
        "More unexpired bindings than policy.max_missing allows are not listed any more: another account, an outage of the "
        "listing, or somebody has cleaned up. Binding them all anew could make many twice. If it is meant, name exactly "
        "the count.",
        "pnsync apply --allow-missing 12",
    ),
    "P406": Page(
        "A binding is on hold",
        "`pnsync hold` keeps it unbound whatever the files say. It comes back with the first apply after its hold has "
        "ended: at the instant given with --until, or when it is released.",
        "pnsync release bindings.desk-7",
    ),
    "P407": Page(
        "Every apply is frozen",
        "`pnsync freeze` refuses every plan and apply, for the reason that stands there. `--allow renew` lets the "
        "command `pnsync renew` through, so that nothing lapses meanwhile.",
        "pnsync unfreeze",
    ),
    "P408": Page(
        "A loosened policy does not count yet",
        "Of the files' policy and the one last applied the stricter setting counts: a tightened one at once, a loosened "
        "one from the apply after the one that records it. So no change can loosen the policy and use it at once. Merge "
        "and apply the policy alone; what needs it follows.",
    ),
    "P409": Page(
        "This checkout is older than what was applied",
        "The state remembers the commit whose files were applied last, and this checkout does not contain it. Applying "
        "here would undo what later commits did. Bring the branch up to date; in CI fetch the whole history, as a shallow "
        "clone cannot tell. Where going back is meant, say so.",
        "pnsync apply --allow-older",
    ),
    "P410": Page(
        "The schedule's runs do not come",
        "Bindings have been due for renewal for longer than `every` and `late_by` allow together, so that no run came in "
        "time, or none could renew them. A schedule that never ran looks like this too. Look at the CI job: hosts switch "
        "schedules off in repositories without commits, and run them late when they are busy.",
        "pnsync status",
    ),
    "A110": Page(
        "A binding ended before its call",
        "Its expires_at passed between planning and its turn. Nothing was sent.",
    ),
    "A111": Page(
        "Not unbound, as it could not be proved to be ours",
        "Before every unbind a fresh listing must show the binding with the id or the phones that the state recorded. It "
        "did not. Plan again; if it stays, look at it at the vendor and forget it here.",
        "pnsync state rm bindings.desk-7",
    ),
    "A112": Page("A group has no id yet", "The call that makes the group has not succeeded. Plan again."),
    "A120": Page(
        "The vendor could not be reached",
        "It is certain that nothing was sent: the name was not found, the connection or TLS failed. Check the network and "
        "the endpoint, then apply again.",
    ),
    "A121": Page(
        "The vendor does not take these values",
        "The call was refused as invalid and changed nothing. Correct the declaration; the vendor's code is shown.",
    ),
    "A122": Page(
        "The vendor refused the credentials",
        "No further call was made at this provider. Check the key, its secret, and the vendor's list of addresses.",
    ),
    "A123": Page(
        "The vendor refused the time stamp",
        "This machine's clock is off by more than the vendor takes, also after it was corrected once. Set the clock.",
    ),
    "A124": Page(
        "The vendor has no number left",
        "No further bind was tried at this provider; unbinds went on. Order numbers or free some.",
    ),
    "A125": Page(
        "The vendor says that it exists already",
        "That proves little, as the request may have been delivered twice. The next plan reads the listing and tells which "
        "binding holds it.",
        "pnsync plan",
    ),
    "A126": Page(
        "The vendor says that it is not there",
        "What was to be changed is gone at the vendor. The next plan reads the listing and tells what is left to do.",
    ),
    "A130": Page(
        "A change is half done",
        "Its first half is done and its second is not. The next apply finishes it before anything else.",
        "pnsync apply",
    ),
    "A140": Page(
        "A provider cannot be read",
        "Nothing is concluded about its bindings and nothing is changed there; the other providers go on.",
    ),
    "A141": Page(
        "Drift came up after the plan was made",
        "Changes that the saved plan does not hold are left alone, but for due renewals and recovery. Plan again to see "
        "them.",
        "pnsync plan",
    ),
    "A150": Page(
        "Another account than the state's",
        "The endpoint's host or the access key is not the one that made the recorded bindings; in another account they "
        "would all seem to be missing. If that is meant, accept it.",
        "pnsync state account nx --accept",
    ),
    "A160": Page(
        "Several lineages in one account",
        "The vendor lists bindings that several pnsync states made. Name the one that the rebuilt state is to have.",
        "pnsync state rebuild --lineage 7c4d1a2b",
    ),
    "A170": Page(
        "The canary failed",
        "Of the few changes that came first, not all were done and then found in the vendor's listing as they should be. "
        "Nothing further was begun. What is named tells which; the next plan holds what is left.",
        "pnsync plan",
    ),
    "A171": Page(
        "The deadline has passed",
        "`--deadline` ends the beginning of changes, not those that are under way. What was not tried is in the next plan.",
        "pnsync plan",
    ),
    "A501": Page("Not a saved plan", "The file is not what `pnsync plan --out` writes, or it is cut off."),
    "A502": Page(
        "A saved plan of another version",
        "It was made by a newer or older pnsync. Plan again with the version that applies.",
    ),
    "A503": Page(
        "A saved plan was changed",
        "Its digest does not fit its content: it was edited or damaged. Plan again.",
    ),
    "A504": Page(
        "A saved plan is not signed as it must be",
        "PNSYNC_PLAN_KEY is set, and the plan carries no signature by it. Make plans with the same PNSYNC_PLAN_KEY.",
    ),
    "A505": Page("A plan for another state", "Its lineage is not this state's. Plan again here."),
    "A506": Page(
        "The state went back",
        "The plan was made at a later serial than the state has now: an older copy of the state was put in place.",
    ),
    "A507": Page("A plan was applied already", "A saved plan is applied once. Plan again."),
    "A508": Page("A saved plan is too old", "It is older than --max-age allows. Plan again."),
    "A509": Page(
        "Planning again gives another plan",
        "The files, the vendor or time have moved since the plan was approved, so applying it would not do what was "
        "approved. Plan again and have it approved.",
        "pnsync plan --out FILE",
    ),
    "A510": Page(
        "A plan's numbers cannot be compared",
        "It was made with a key that this run does not have. Give both runs the same PNSYNC_PLAN_KEY, or the same "
        "credentials.",
    ),
    "A511": Page(
        "Files older than what was applied",
        "The state remembers the commit whose files were applied last, and this checkout does not contain it. Bring it up "
        "to date (`git fetch --unshallow` in a shallow clone); where going back is meant, say so.",
        "pnsync apply --allow-older",
    ),
}
"""Every code with its page."""
