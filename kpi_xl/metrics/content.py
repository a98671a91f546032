"""Content, video, e-mail and events."""

from typing import Annotated

from kpi_xl.metrics.arguments import Delivered
from kpi_xl.registry import Arg, metric
from kpi_xl.units import AVERAGE, COUNT, PERIODS, RATE, SECONDS

EMAIL = "Industry usage in e-mail marketing"
EVENTS = "Industry usage in event marketing"
VIDEO = "YouTube Help (audience retention, average view duration)"

Starts = Annotated[float, Arg("Times that the video was started", COUNT, denominator=True)]


@metric(
    "CONTENT_OUTPUT",
    returns=AVERAGE,
    formula="pieces / periods",
    source="Industry usage",
    example=("=CONTENT_OUTPUT(24,12)", 2.0),
)
def content_output(
    pieces: Annotated[float, Arg("Pieces published", COUNT)],
    periods: Annotated[float, Arg("Weeks or months that it took", PERIODS, denominator=True)],
) -> float:
    """Content output: pieces published per week, per month or whatever `periods` counts."""
    return pieces / periods


@metric(
    "AVG_VIEW_DURATION",
    returns=SECONDS,
    formula="watch_seconds / views",
    source=VIDEO,
    example=("=AVG_VIEW_DURATION(54000,1200)", 45.0),
)
def avg_view_duration(
    watch_seconds: Annotated[float, Arg("Time watched in all", SECONDS)],
    views: Annotated[float, Arg("Views", COUNT, denominator=True)],
) -> float:
    """Average view duration of a video, in seconds."""
    return watch_seconds / views


@metric(
    "VIDEO_RETENTION",
    returns=RATE,
    formula="viewers_at_mark / starts",
    source=VIDEO,
    example=("=VIDEO_RETENTION(720,1200)", 0.6),
)
def video_retention(
    viewers_at_mark: Annotated[float, Arg("Viewers at the mark (5, 10, 30 seconds)", COUNT)],
    starts: Starts,
) -> float:
    """Video retention: the share of viewers still there at a mark. Rewatching lifts it above 1."""
    return viewers_at_mark / starts


@metric(
    "VIDEO_COMPLETION_RATE",
    returns=RATE,
    formula="completions / starts",
    source=VIDEO,
    parts=(("completions", "starts"),),
    example=("=VIDEO_COMPLETION_RATE(300,1200)", 0.25),
)
def video_completion_rate(
    completions: Annotated[float, Arg("Times that the video was watched to the end", COUNT)],
    starts: Starts,
) -> float:
    """Video completion rate: the share of starts that were watched to the end."""
    return completions / starts


@metric(
    "DELIVERY_RATE",
    returns=RATE,
    formula="delivered / sent",
    source=EMAIL,
    parts=(("delivered", "sent"),),
    example=("=DELIVERY_RATE(9800,10000)", 0.98),
)
def delivery_rate(
    delivered: Annotated[float, Arg("E-mails delivered (sent less bounced)", COUNT)],
    sent: Annotated[float, Arg("E-mails sent", COUNT, denominator=True)],
) -> float:
    """E-mail delivery rate."""
    return delivered / sent


@metric(
    "OPEN_RATE",
    returns=RATE,
    formula="unique_opens / delivered",
    source=EMAIL,
    parts=(("unique_opens", "delivered"),),
    example=("=OPEN_RATE(2450,9800)", 0.25),
)
def open_rate(
    unique_opens: Annotated[float, Arg("Recipients who opened the e-mail", COUNT)],
    delivered: Delivered,
) -> float:
    """E-mail open rate, over delivered and not over sent e-mails."""
    return unique_opens / delivered


@metric(
    "EMAIL_CLICK_RATE",
    returns=RATE,
    formula="unique_clicks / delivered",
    source=EMAIL,
    parts=(("unique_clicks", "delivered"),),
    example=("=EMAIL_CLICK_RATE(245,9800)", 0.025),
)
def email_click_rate(
    unique_clicks: Annotated[float, Arg("Recipients who clicked", COUNT)], delivered: Delivered
) -> float:
    """E-mail click rate, over delivered e-mails."""
    return unique_clicks / delivered


@metric(
    "CLICK_TO_OPEN_RATE",
    returns=RATE,
    formula="unique_clicks / unique_opens",
    source=EMAIL,
    example=("=CLICK_TO_OPEN_RATE(245,2450)", 0.1),
)
def click_to_open_rate(
    unique_clicks: Annotated[float, Arg("Recipients who clicked", COUNT)],
    unique_opens: Annotated[
        float, Arg("Recipients who opened the e-mail", COUNT, denominator=True)
    ],
) -> float:
    """Click-to-open rate. Above 1 where blocked images hide opens."""
    return unique_clicks / unique_opens


@metric(
    "UNSUBSCRIBE_RATE",
    returns=RATE,
    formula="unsubscribes / delivered",
    source=EMAIL,
    parts=(("unsubscribes", "delivered"),),
    example=("=UNSUBSCRIBE_RATE(49,9800)", 0.005),
)
def unsubscribe_rate(
    unsubscribes: Annotated[float, Arg("Recipients who unsubscribed", COUNT)],
    delivered: Delivered,
) -> float:
    """E-mail unsubscribe rate, over delivered e-mails."""
    return unsubscribes / delivered


@metric(
    "REGISTRATION_RATE",
    returns=RATE,
    formula="registered / invited",
    source=EVENTS,
    example=("=REGISTRATION_RATE(200,1000)", 0.2),
)
def registration_rate(
    registered: Annotated[float, Arg("People who registered", COUNT)],
    invited: Annotated[float, Arg("People who were invited", COUNT, denominator=True)],
) -> float:
    """Registration rate: how well an event's promotion worked. Forwarding can push it above 1."""
    return registered / invited


@metric(
    "ATTENDANCE_RATE",
    returns=RATE,
    formula="attended / registered",
    source=EVENTS,
    example=("=ATTENDANCE_RATE(150,200)", 0.75),
)
def attendance_rate(
    attended: Annotated[float, Arg("People who came", COUNT)],
    registered: Annotated[float, Arg("People who registered", COUNT, denominator=True)],
) -> float:
    """Attendance rate of an event. Walk-ins can push it above 1."""
    return attended / registered
