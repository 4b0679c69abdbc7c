"""What goes wrong with vendors and their behaviour, drawn from a seed. Each history enables a random part of it all."""

from random import Random

from pnsync.sandbox.faults import Effect, Fault, Reply
from pnsync.sandbox.switches import LaSwitches, NxSwitches

READS = ("getAXBList", "listGroup", "pns/queryBindPage", "queryNumberPool")
NX_CODES = (1001, 1002, 1003, 1004, 1005, 10001, 10004, 10005, 10006, 10009, 10010, 10013, 4711)
LA_CODES = (-1, -2, -10, -15, -16, -18, -20, -22, -23, -24, -29, -35, -41, -99)


def menu(random: Random, kind: str) -> list[Fault]:
    """A random part of all faults for a vendor."""
    codes = NX_CODES if kind == "nxcloud" else LA_CODES
    skew = random.choice((-2000, -90, 90, 2000))
    if kind == "laaffic" and abs(skew) < 100:
        skew //= 4  # a bind without an id is known by its end, which tells it up to half a minute
    everything = [
        Fault.named("connect_error"),
        Fault.named("lost_request"),
        Fault.named("lost_reply"),
        Fault.named("broken_before"),
        Fault.named("broken_after"),
        Fault.named("status_before", status=random.choice((500, 502, 503, 504, 400, 404, 403, 200))),
        Fault.named("status_after", status=random.choice((500, 502, 503, 504))),
        Fault.named("html"),
        Fault.named("garbage"),
        Fault.named("truncated"),
        Fault.named("empty"),
        Fault.named("redirect"),
        Fault.named("limited"),
        Fault.named("slow", slow_seconds=random.choice((21, 30, 50))),
        Fault.named("late", after_seconds=random.choice((1, 10, 30, 45))),
        Fault.named("twice"),
        Fault.named("again", after_seconds=random.choice((1, 10, 30, 45))),
        Fault.named("twice_lost"),
        Fault.named("skew", skew_seconds=skew),
        Fault.named("code_before", code=random.choice(codes)),
        Fault.named("code_before", code=random.choice(codes)),
        Fault.named("code_before", code=random.choice(codes)),
        Fault(effect=Effect.TWICE, reply=Reply.CODE, code=random.choice(codes)),
        Fault(reply=Reply.TEXT, text=random.choice(TEXTS)),
    ]
    return random.sample(everything, random.randint(1, len(everything)))


TEXTS = (
    '{"code":0}',
    '{"status":"0","data":null}',
    '{"code":0,"data":{"bindId":""}}',
    '{"code":"0","data":{"bindId":7,"did":[]}}',
    "[]",
    "null",
    '{"status":"0","data":{"bindId":-3,"pnsNumberA":"1","pnsNumberB":"2"}}',
    '{"code":0,"code":1,"data":{}}',
    "NaN",
)


def nx_switches(random: Random) -> NxSwitches:
    """An account of NXCloud in one of the ways that its pages leave open."""
    odd = random.random() < 0.5
    lag = random.choice((0, 0, 2, 15, 30)) if odd else 0
    return NxSwitches(
        envelope=random.choice(("nested", "flat")),
        string_ints=random.random() < 0.3,
        list_order=random.choice(("stable", "newest", "random")) if odd else "stable",
        total=random.choice(("all", "page")) if odd else "all",
        past_end=random.choice(("empty", "refuse")),
        list_lag_seconds=lag,
        expired_listed_seconds=random.choice((0, 0, 600)) if odd else 0,
        duplicate_client_id=random.choice(("refuse", "same", "second")) if odd else "refuse",
        client_id_reusable=random.random() < 0.5,
        unbind_ended=random.choice(("refuse", "ok")),
        error_http_status=random.choice((200, 200, 400)),
    )


def prompt(switches: NxSwitches | LaSwitches) -> bool:
    """Whether a listing shows what is live now, and nothing else."""
    return not (switches.list_lag_seconds or switches.expired_listed_seconds)


def la_switches(random: Random) -> LaSwitches:
    """An account of LAAFFIC in one of the ways that its pages leave open."""
    odd = random.random() < 0.5
    expired_listed = random.choice((0, 0, 600)) if odd else 0
    lag = random.choice((0, 0, 2, 15, 30)) if odd else 0
    return LaSwitches(
        zone_minutes=random.choice((480, 0, 330, -300)),
        bind_id=random.choice(("int", "str")),
        number_b=random.choice(("str", "int")),
        expire_time=random.choice(("text", "text", "epoch", "milliseconds", "iso")) if odd else "text",
        list_order=random.choice(("stable", "newest")) if odd else "stable",
        list_lag_seconds=lag,
        expired_listed_seconds=expired_listed,
        conflict_covers_axxb=random.random() < 0.3 if odd else False,
        # With both, two rows of one id would be listed, which no reader can tell apart.
        bind_id_reused=odd and not (lag or expired_listed) and random.random() < 0.5,
        unbind_ended=random.choice(("refuse", "ok")),
        total=random.choice(("right", "right", "zero", "page")) if odd else "right",
    )
