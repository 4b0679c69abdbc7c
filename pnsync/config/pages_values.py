"""The pages of E2xx: what can be wrong with a key, a value or a file by itself; why it matters, how to mend it."""

from typing import Final

from pnsync.explain import Page

VALUES: Final[dict[str, Page]] = {
    "E200": Page(
        "Unknown key",
        "A key that pnsync does not know would do nothing, and its author believes it does. Correct the spelling, or "
        "delete the line. Keys of another section or mode are unknown too where they do not belong.",
        "recording: true      # not recordng: true",
    ),
    "E201": Page(
        "Something required is missing",
        "The message names the key. A binding needs a mode, a provider and a lifetime; provider, mode and lifetime may "
        "come from the file's `defaults`. A provider needs a type, one of type laaffic its app_id.",
        "defaults: {provider: nx, expires_in: 1d}",
    ),
    "E202": Page(
        "Not a phone number",
        "A phone is 1 to 20 digits with its country code. `+`, spaces and hyphens are dropped, quotes are not needed "
        "(but harmless), and no leading zero is lost. Letters, brackets and dots are refused, as they would be guesses. "
        "LAAFFIC takes 4 to 20 digits for phone_b. A spreadsheet turns long numbers into 4.477E+11: give their column the format "
        "text before they are filled in.",
        'phone_a: 447700900123\nphone_b: "+44 7700 900-456"',
    ),
    "E203": Page(
        "Not an extension",
        "An extension is exactly 3 digits; it is text, so 007 and 7 are not the same. With `auto` pnsync allocates a "
        "free one once and keeps it.",
        "extension: 012",
    ),
    "E204": Page(
        "Not a name",
        "Names of bindings, groups, providers and labels are 1 to 100 letters, digits, dots, underscores and hyphens "
        "(ASCII), so that they need no quoting in a shell, a log or an address.",
        "bindings:\n  desk-7: {…}",
    ),
    "E205": Page(
        "A name that may be a phone number",
        "Names stand in plans, logs and states, where real numbers must never stand. A name of digits and punctuation "
        "alone with 7 to 15 digits could be one. Put a letter in.",
        "order-66666666: {…}      # not 66666666: {…}",
    ),
    "E206": Page(
        "No country code",
        "No assigned country code begins like this number. Write it as it is dialled from abroad, without the 00 or + "
        "before it and without the 0 of the national form.",
        "phone_a: 447700900123      # not 07700900123",
    ),
    "E207": Page(
        "Several countries in one binding",
        "The vendor connects A, B and X of one country code only, and refuses the bind else (NXCloud: 10004).",
        "phone_a: 85211111114\nphone_b: 85222222222",
    ),
    "E208": Page(
        "A is B",
        "A binding connects two phones; with itself no phone is connected (NXCloud refuses with 10002).",
        "phone_a: 447700900123\nphone_b: 447700900456",
    ),
    "E209": Page(
        "The wrong kind of value",
        "A section is a mapping of names, an entry a mapping of keys, a list a list. Often the indentation is off, or the "
        "colon or the dash is missing.",
        "bindings:\n  desk-7:\n    mode: axb",
    ),
    "E210": Page(
        "A key without a value",
        "An empty value could mean `none` or `forgotten`. pnsync does not guess: write the value, or delete the line.",
        "customer_bind_id: order-7",
    ),
    "E211": Page(
        "Not true or false",
        "A switch is `true` or `false` without quotes. `yes`, `on` and `1` mean different things to different readers of "
        "YAML and are refused.",
        "recording: true",
    ),
    "E212": Page(
        "Not a duration",
        "A duration is seconds, or a whole number with s, m, h, d or w. A lifetime is 1 second or more; one without end is "
        "`never`.",
        "expires_in: 3d",
    ),
    "E213": Page(
        "Not an instant",
        "`expires_at` is an RFC 3339 instant: date, time and zone. Without a zone it would mean another time on every "
        "machine.",
        "expires_at: 2026-12-24T18:00:00Z\n# or 2026-12-24T19:00:00+01:00",
    ),
    "E214": Page(
        "Not a renewal time",
        "`renew_before` is how much life may remain when a binding is renewed: a duration, or a percentage of the lifetime "
        "above 0% and below 100%.",
        "renew_before: 20%",
    ),
    "E215": Page(
        "A binding without a lifetime",
        "Bindings cost money and reach real people, so how long one lives is never left to chance. Say it on the binding "
        "or in `defaults`.",
        "expires_in: 1d      # kept alive; or never, or expires_at: 2026-12-24T18:00:00Z",
    ),
    "E216": Page(
        "Two lifetimes that contradict each other",
        "`expires_at` ends the binding, `expires_in: never` beside it says that it has no end. Delete one.",
        "expires_at: 2026-12-24T18:00:00Z",
    ),
    "E217": Page(
        "A lifetime the vendor does not take",
        "LAAFFIC takes 1 to 259,200 seconds (3 days) and has no binding without end. A shorter lifetime loses nothing: "
        "what is declared is kept alive by renewals. An `expires_at` may lie farther away.",
        "expires_in: 3d",
    ),
    "E218": Page(
        "Renewed too late",
        "Between two runs up to `every` + `late_by` can pass. A binding that is renewed only when less than that remains can "
        "lapse between them, and then nobody is reached.",
        "schedule: {every: 6h, late_by: 8h}\ndefaults: {renew_before: 15h}",
    ),
    "E219": Page(
        "Renewed at once",
        "With a `renew_before` as long as the lifetime a binding is due for renewal the moment it is made, and every plan "
        "would renew it again.",
        "expires_in: 1d\nrenew_before: 6h",
    ),
    "E220": Page(
        "Unknown mode",
        "`axb`: A and B share an X that the vendor picks. `axb_extension`: A is reached on X with an extension. `axg`: A and "
        "a group. `axxb`: A and B see two different X.",
        "mode: axb_extension",
    ),
    "E221": Page(
        "A mode the vendor does not have",
        "NXCloud has axb, axb_extension and axg; LAAFFIC has axb and axxb. Take another mode or another provider.",
        "driver-4: {provider: la, mode: axxb, …}",
    ),
    "E222": Page(
        "A key that does not belong here",
        "The mode, or the vendor, has no use for this key; the vendor would ignore it and its author would not know. "
        "The label says where it belongs.",
        "ride-17: {mode: axb, phone_a: …, phone_b: …}      # no phone_x: the vendor picks it",
    ),
    "E223": Page(
        "A key the mode needs is missing",
        "axb: phone_a and phone_b; axb_extension: phone_a, phone_x and extension; axg: phone_a and group; at LAAFFIC "
        "phone_a, phone_b and pool_number.",
        "desk-7: {mode: axb_extension, phone_a: …, phone_x: …, extension: auto}",
    ),
    "E224": Page(
        "Unknown vendor",
        "A provider's type is the vendor whose API it speaks: nxcloud or laaffic.",
        "nx: {type: nxcloud}",
    ),
    "E225": Page(
        "An endpoint that is not allowed",
        "The files come from pull requests, and an endpoint receives keys and real numbers. It may be the vendor's own host "
        "over https, loopback, or a host that whoever runs pnsync lists in the environment; user names, queries and odd "
        "forms of addresses are refused. `sandbox` is the simulated vendor inside pnsync.",
        "PNSYNC_ALLOWED_HOSTS=number.example.com pnsync plan",
    ),
    "E226": Page(
        "A literal credential",
        "What is in a file is in the history of the repository for ever, and in every clone. Name an environment variable "
        "instead, and revoke the credential if it was real. Without `credentials` the vendor's usual variables are read.",
        "credentials: {access_key: {env: PNSYNC_CRED_NX_KEY}, access_secret: {env: PNSYNC_CRED_NX_SECRET}}",
    ),
    "E227": Page(
        "A foreign environment variable",
        "A pull request could have another secret of the CI job sent to a vendor. So a file may name only variables that "
        "begin with PNSYNC_CRED_, the vendor's prefix (NXCLOUD_, LAAFFIC_) or the provider's own name in capitals; and "
        "`state` names none of those, nor the key of plans or the age identity, nor other secrets of CI (GITHUB_…, AWS_…); "
        "`dsn` also none that CI fills from a change (CI_…, GITLAB_…), whose author would choose the server.",
        "credentials: {api_key: {env: PNSYNC_CRED_LA_KEY}, api_secret: {env: PNSYNC_CRED_LA_SECRET}}",
    ),
    "E228": Page(
        "Something that looks like a credential",
        "A key named like a secret, or a long word of mixed letters and digits, is refused wherever it stands. Delete it, "
        "revoke it if it was real, and give credentials in the environment. A harmless text can be shortened.",
        "labels: {team: west}",
    ),
    "E229": Page(
        "Invisible characters",
        "Control, bidirectional and zero-width characters make a text look like another to a reviewer. Only remarks may hold "
        "them, and show them escaped.",
        'remark: "see \\u202e"',
    ),
    "E230": Page(
        "Not a rate",
        "`rate` is calls a second, reads included: above 0, at most 100,000; the default is 20.",
        "rate: 5",
    ),
    "E231": Page(
        "Not a limit",
        "A limit is a percentage from 0% to 100% of the bindings in the state, or a count.",
        "policy: {max_unbind: 10%, max_rebind: 25}",
    ),
    "E232": Page(
        "Not a country code",
        "A list of assigned calling codes, without + or 00.",
        "allowed_country_codes: [44, 852, 91]",
    ),
    "E233": Page(
        "Unknown version",
        "`version` says how the files are to be read. This pnsync reads version 1; a higher one needs a newer pnsync.",
        "version: 1",
    ),
    "E234": Page(
        "A key of the root file",
        "Providers, state, policy, schedule, include, lineage and version stand in the root file only, so that one guarded "
        "file decides them. Included files hold bindings, groups, moved and their own defaults.",
        "# pnsync.yaml\ninclude: ['bindings/*.yaml']",
    ),
    "E235": Page(
        "A path that is refused",
        "Files lie below the folder of the root file: a relative path with / between, no `..`, no URL. `*` and `?` stay "
        "within a name, `**` stands for any folders; names that begin with a dot must be named with it.",
        "include: ['bindings/*.yaml', 'teams/**/*.yaml']",
    ),
    "E236": Page(
        "A pattern that finds nothing",
        "If a misspelt pattern passed, its bindings would count as deleted and be unbound. Correct it or delete it. "
        "A pattern that looks at far too many files is refused too.",
        "include: ['bindings/*.yaml']",
    ),
    "E237": Page(
        "A file that cannot be read",
        "It is missing, its permissions forbid it, or its symbolic links go in a circle.",
        "pnsync init",
    ),
    "E238": Page(
        "A file outside the folder",
        "A symbolic link leads out of the folder of the root file. A pull request could read any file of the machine that "
        "way. Copy the file in.",
        "include: ['bindings/*.yaml']",
    ),
    "E239": Page(
        "Not a regular file",
        "Only regular files are read: no folders, pipes or devices.",
        "include: ['bindings/*.yaml']",
    ),
    "E241": Page(
        "Unknown state backend",
        "The state is kept by one of: local, git, postgres, object, http.",
        "state: {backend: local, path: state/pnsync.state.json}",
    ),
    "E242": Page(
        "A setting of the state that is refused",
        "A path lies below the folder of the root file; a URL is https unless it is on loopback; recipients are public age "
        "keys.",
        "state: {backend: object, url: s3://bucket/prefix, encryption: {recipients: [age1…]}}",
    ),
    "E243": Page(
        "Not a lineage",
        "`lineage` is the identity of the state: written by pnsync init, shown by pnsync state show. With it a missing or "
        "another state is an error instead of a first run.",
        "lineage: 7c4d1a2b",
    ),
    "E244": Page(
        "Not labels",
        "Labels map names to short texts, 1 to 100 characters; they select bindings and never reach a vendor.",
        "labels: {team: west, tier: gold}",
    ),
    "E245": Page(
        "Not a customer_bind_id",
        "1 to 64 visible ASCII characters without spaces, not beginning with `pns-`: your own id, sent to NXCloud as written the first time and as "
        "`ID.n` for the n-th binding.",
        "customer_bind_id: order-7",
    ),
    "E246": Page(
        "Not a pool",
        "LAAFFIC's label of a number pool: 1 to 20 letters, digits, dots, underscores and hyphens.",
        "pool_number: 918806",
    ),
    "E247": Page(
        "A phone twice in a list",
        "The vendor would count it once, and every comparison with its list would differ. Delete one.",
        "phones: [85211111114, 85235753351]",
    ),
    "E248": Page(
        "Not a range of extensions",
        "`extensions` says which extensions pnsync may allocate on a group's numbers: a range with both ends, and some that "
        "are kept free.",
        "extensions: {range: 100-899, reserve: [911]}",
    ),
    "E249": Page(
        "Not a rename",
        "`moved` lists renames from an old name to a new one; a name is a binding's unless `groups.` stands before it. A "
        "binding cannot become a group.",
        "moved: [{from: desk-ldn, to: desk-london}, {from: groups.old, to: groups.new}]",
    ),
    "E250": Page(
        "Not what a group can hold",
        "`numbers`: X that pnsync picks from, not personal. `people`: phones that may dial, personal and masked everywhere.",
        "couriers: {holds: people, phones: […]}",
    ),
    "E251": Page(
        "A text of the wrong length",
        "A group's name at the vendor has 1 to 100 characters, a remark at most 500.",
        "remark: Number Group A",
    ),
    "E252": Page(
        "Not a group id",
        "`group_id` is the vendor's id of an existing group, as listGroup shows it.",
        "group_id: 1602484f91adb0b60e",
    ),
    "E253": Page(
        "Not an app id",
        "`app_id` is LAAFFIC's id of the app whose bindings are managed.",
        "la: {type: laaffic, app_id: 4luaKsL2}",
    ),
    "E254": Page("Unknown algorithm", "NXCloud signs with md5, its default, or sha256.", "algorithm: sha256"),
    "E255": Page(
        "Unknown rule for numbers",
        "`numbers: named` lets bindings name their phones only, so that no real number stands in a reviewed file.",
        "policy: {numbers: named}",
    ),
}
