"""The pages of E3xx, W4xx and P5xx: what entries break together, what is risky, what the policy forbids."""

from typing import Final

from pnsync.explain import Page

TOGETHER: Final[dict[str, Page]] = {
    "E300": Page(
        "One name twice",
        "A name is the address of one binding or group over all files; of two with one name one would be lost unseen.",
        "desk-7: {…}\ndesk-7b: {…}",
    ),
    "E301": Page(
        "One X and extension twice",
        "Who dials an X and an extension reaches one person. Give one of the two another extension, or let pnsync pick.",
        "extension: auto",
    ),
    "E302": Page(
        "One pair twice at LAAFFIC",
        "LAAFFIC takes a pair once, whichever of the two is A: the second bind would be refused (-35), and after a time-out "
        "nobody could tell the two apart.",
        "driver-4: {provider: la, mode: axxb, phone_a: …, phone_b: …, pool_number: 918806}",
    ),
    "E303": Page(
        "One customer_bind_id twice",
        "The id tells bindings apart at the vendor, so it must be unique. An id that ends in a dot and a number can also be "
        "what another declared id becomes: the second binding of `a` is sent as `a.2`.",
        "customer_bind_id: order-7",
    ),
    "E304": Page(
        "An unknown provider",
        "The binding or group names a provider that the root file does not declare.",
        "providers:\n  nx: {type: nxcloud}",
    ),
    "E305": Page(
        "An unknown group",
        "The binding names a group that no file declares. One that exists at the vendor and is only read is declared "
        "without phones.",
        "groups:\n  hotline-pool: {provider: nx, holds: numbers}",
    ),
    "E306": Page(
        "A group of another provider",
        "A group belongs to one vendor account; a binding of another account cannot use it.",
        "groups:\n  couriers: {provider: nx, …}\nbindings:\n  ride-1: {provider: nx, group: couriers, …}",
    ),
    "E307": Page(
        "A group that holds the wrong thing",
        "`phone_x: {group: G}` picks an X from numbers; an axg's `group` rings people. One group cannot be both: the first "
        "is shown in plans, the second is personal.",
        "hotline-pool: {holds: numbers}\ncouriers: {holds: people}",
    ),
    "E308": Page(
        "A real phone as an X",
        "An X is a virtual number and is shown in full in plans and logs. A phone that is an A or B, or that a group of "
        "people holds, must not stand where an X stands.",
        "phone_x: 447401264117",
    ),
    "E309": Page(
        "One phone twice on one X",
        "Where the vendor routes by caller, a call from this phone to this X could mean either of two people. Use another "
        "X for one of the bindings.",
        "phone_x: 85235753351      # and another X on the other binding",
    ),
    "E310": Page(
        "phone_b is not in the group",
        "In axg phone_b is whom A reaches by calling back, and must be one of the group's phones.",
        "couriers: {phones: [85211111114, 85235753351]}",
    ),
    "E311": Page(
        "A vendor without groups",
        "Only NXCloud has groups. LAAFFIC has number pools, named on the binding.",
        "pool_number: 918806",
    ),
    "E312": Page(
        "Two groups that are one",
        "Two declarations with one name or id at the vendor would each undo what the other does.",
        "couriers: {group_name: Couriers}",
    ),
    "E313": Page(
        "A renamed thing that is still declared",
        "`moved` says that the old name became the new one; declared again, the old name is something new and the rename "
        "is ambiguous. Delete one of the two.",
        "moved: [{from: desk-ldn, to: desk-london}]",
    ),
    "E314": Page(
        "Renames in a circle",
        "Following these renames leads back to where one began. Delete one of them.",
        "moved: [{from: a, to: b}, {from: b, to: c}]",
    ),
    "E315": Page(
        "An ambiguous rename",
        "One old name has one new name, and two old names cannot become one: one of the two would be lost.",
        "moved: [{from: desk-ldn, to: desk-london}]",
    ),
    "E316": Page(
        "A group of another country",
        "A, B and X share one country code: a group of people for an axg must be of A's country as a whole, one of numbers "
        "must hold at least one X of it.",
        "couriers: {phones: [85211111114, 85235753351]}",
    ),
    "W400": Page(
        "Too short to be kept alive",
        "The binding will probably lapse before the next run renews it. With a schedule a lifetime should be longer than "
        "`every` + `late_by` + 1h; without one, an hour or more.",
        "expires_in: 1d      # or keep: false, if it shall end by itself",
    ),
    "W401": Page(
        "A phone in two LAAFFIC bindings",
        "LAAFFIC refuses a bind of A or B that has one already (-35), and it is not known whether that covers more than "
        "the pair. The second bind may fail.",
    ),
    "W402": Page(
        "A short settle window",
        "A request whose answer was lost may still take effect for some time. If pnsync tries again before that, there can "
        "be two bindings. The defaults are what the vendors' time checks allow.",
        "settle_window: 180s",
    ),
    "W403": Page(
        "A local state in CI",
        "Most runners are thrown away after a job, and a state in a file is lost with them: the next run would know nothing "
        "of what exists. Keep it in a backend, or say that the folder stays.",
        "state: {backend: git, ref: refs/pnsync/prod}\n# or PNSYNC_LOCAL_STATE=persistent",
    ),
    "W404": Page(
        "A rename to something that is not declared",
        "The old name's binding will be known by the new name, and, as that is not declared, unbound. If it was deleted "
        "since, delete the rename once it has been applied.",
        "moved: [{from: desk-ldn, to: desk-london}]",
    ),
    "W405": Page(
        "A number to drain that is not in the group",
        "`drain` keeps pnsync from allocating extensions on an X that shall become free. This one is not among the group's "
        "phones, so it is misspelt or gone.",
        "hotline-pool: {phones: [447401264117], drain: [447401264117]}",
    ),
    "W499": Page(
        "More findings",
        "So many findings were made that the rest is not listed. Mend these, then validate again.",
        "pnsync validate",
    ),
    "P501": Page(
        "Policy: recording is required",
        "`require_recording` is set, and this binding is not recorded. LAAFFIC has no switch for recording, so none of its "
        "bindings can meet this.",
        "recording: true",
    ),
    "P502": Page(
        "Policy: nothing without end",
        "`allow_never_expire: false` is set, and this binding never expires.",
        "expires_in: 30d",
    ),
    "P503": Page(
        "Policy: the longest lifetime",
        "The lifetime of this binding is longer than `max_lifetime` allows.",
        "policy: {max_lifetime: 30d}",
    ),
    "P504": Page(
        "Policy: countries",
        "A phone of this binding or group has a country code that `allowed_country_codes` does not list.",
        "policy: {allowed_country_codes: [44, 852, 91]}",
    ),
    "P505": Page(
        "Policy: named numbers only",
        "`numbers: named` is set, and a real number stands in a file.",
        "policy: {numbers: named}",
    ),
}
