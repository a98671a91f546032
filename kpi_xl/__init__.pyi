"""Marketing KPIs as Excel functions, and the same functions for Python.

Written from the functions' own records by tests/generated.py: do not edit it here.
"""

# mypy: disable-error-code="overload-overlap"

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol, TypeVar, overload

import numpy as np

from kpi_xl.errors import CellError as CellError
from kpi_xl.errors import KpiError as KpiError
from kpi_xl.errors import NotEnoughData as NotEnoughData
from kpi_xl.errors import OutOfDomain as OutOfDomain
from kpi_xl.errors import WrongInput as WrongInput
from kpi_xl.errors import ZeroDenominator as ZeroDenominator
from kpi_xl.metrics import METRICS as METRICS

class _Array(Protocol):
    """An array, a Series or a frame."""

    @property
    def shape(self) -> tuple[int, ...]: ...

_Number = float | np.number[Any] | Decimal | None
_Day = date | float | str | None
_Key = str | float | None
_List = list[Any] | tuple[Any, ...]
_Column = _List | _Array
_A = TypeVar("_A", bound=_Array)
_Frame = TypeVar("_Frame")

__version__: str
__all__: list[str]

@overload
def cac(spend: _Number, new_customers: _Number) -> float:
    """Customer acquisition cost: sales and marketing spend per customer won."""
@overload
def cac(spend: _Number | _List, new_customers: _Number | _List) -> list[Any]: ...
@overload
def cac(spend: _Number | _List | _A, new_customers: _Number | _List | _A) -> _A: ...

@overload
def cac_payback(cac: _Number, revenue_per_period: _Number, gross_margin: _Number = ...) -> float:
    """CAC payback: the periods until a customer's gross margin has repaid its acquisition."""
@overload
def cac_payback(cac: _Number | _List, revenue_per_period: _Number | _List, gross_margin: _Number | _List = ...) -> list[Any]: ...
@overload
def cac_payback(cac: _Number | _List | _A, revenue_per_period: _Number | _List | _A, gross_margin: _Number | _List | _A = ...) -> _A: ...

@overload
def cpl(spend: _Number, leads: _Number) -> float:
    """Cost per lead: marketing spend per lead."""
@overload
def cpl(spend: _Number | _List, leads: _Number | _List) -> list[Any]: ...
@overload
def cpl(spend: _Number | _List | _A, leads: _Number | _List | _A) -> _A: ...

@overload
def cpa(spend: _Number, actions: _Number) -> float:
    """Cost per action: spend per order, sign-up, download or whatever counts as the action."""
@overload
def cpa(spend: _Number | _List, actions: _Number | _List) -> list[Any]: ...
@overload
def cpa(spend: _Number | _List | _A, actions: _Number | _List | _A) -> _A: ...

@overload
def cpc(spend: _Number, clicks: _Number) -> float:
    """Cost per click: advertising spend per click."""
@overload
def cpc(spend: _Number | _List, clicks: _Number | _List) -> list[Any]: ...
@overload
def cpc(spend: _Number | _List | _A, clicks: _Number | _List | _A) -> _A: ...

@overload
def cpm(spend: _Number, impressions: _Number) -> float:
    """Cost per mille: advertising spend per thousand impressions."""
@overload
def cpm(spend: _Number | _List, impressions: _Number | _List) -> list[Any]: ...
@overload
def cpm(spend: _Number | _List | _A, impressions: _Number | _List | _A) -> _A: ...

@overload
def ad_frequency(impressions: _Number, reach: _Number) -> float:
    """Average frequency: how often the people who were reached saw the advertising."""
@overload
def ad_frequency(impressions: _Number | _List, reach: _Number | _List) -> list[Any]: ...
@overload
def ad_frequency(impressions: _Number | _List | _A, reach: _Number | _List | _A) -> _A: ...

@overload
def ad_reach_rate(reach: _Number, target_audience: _Number) -> float:
    """Reach: the share of the target audience that the advertising reached."""
@overload
def ad_reach_rate(reach: _Number | _List, target_audience: _Number | _List) -> list[Any]: ...
@overload
def ad_reach_rate(reach: _Number | _List | _A, target_audience: _Number | _List | _A) -> _A: ...

@overload
def cost_per_mql(spend: _Number, mqls: _Number) -> float:
    """Cost per marketing qualified lead (MQL)."""
@overload
def cost_per_mql(spend: _Number | _List, mqls: _Number | _List) -> list[Any]: ...
@overload
def cost_per_mql(spend: _Number | _List | _A, mqls: _Number | _List | _A) -> _A: ...

@overload
def cost_per_sql(spend: _Number, sqls: _Number) -> float:
    """Cost per sales qualified lead (SQL)."""
@overload
def cost_per_sql(spend: _Number | _List, sqls: _Number | _List) -> list[Any]: ...
@overload
def cost_per_sql(spend: _Number | _List | _A, sqls: _Number | _List | _A) -> _A: ...

@overload
def cost_per_sqo(spend: _Number, sqos: _Number) -> float:
    """Cost per sales qualified opportunity (SQO)."""
@overload
def cost_per_sqo(spend: _Number | _List, sqos: _Number | _List) -> list[Any]: ...
@overload
def cost_per_sqo(spend: _Number | _List | _A, sqos: _Number | _List | _A) -> _A: ...

@overload
def cost_per_attendee(cost: _Number, attendees: _Number) -> float:
    """Cost per attendee of an event."""
@overload
def cost_per_attendee(cost: _Number | _List, attendees: _Number | _List) -> list[Any]: ...
@overload
def cost_per_attendee(cost: _Number | _List | _A, attendees: _Number | _List | _A) -> _A: ...

@overload
def attribution(paths: _List, conversions: _Column, model: str | None = ..., values: _Column | None = ..., nulls: _Column | None = ...) -> list[list[Any]]:
    """Attribution: conversions, and their value, credited to the channels of their paths."""
@overload
def attribution(paths: _Array, conversions: _Column, model: str | None = ..., values: _Column | None = ..., nulls: _Column | None = ...) -> Any: ...

@overload
def content_output(pieces: _Number, periods: _Number) -> float:
    """Content output: pieces published per week, per month or whatever `periods` counts."""
@overload
def content_output(pieces: _Number | _List, periods: _Number | _List) -> list[Any]: ...
@overload
def content_output(pieces: _Number | _List | _A, periods: _Number | _List | _A) -> _A: ...

@overload
def avg_view_duration(watch_seconds: _Number, views: _Number) -> float:
    """Average view duration of a video, in seconds."""
@overload
def avg_view_duration(watch_seconds: _Number | _List, views: _Number | _List) -> list[Any]: ...
@overload
def avg_view_duration(watch_seconds: _Number | _List | _A, views: _Number | _List | _A) -> _A: ...

@overload
def video_retention(viewers_at_mark: _Number, starts: _Number) -> float:
    """Video retention: the share of viewers still there at a mark. Rewatching lifts it above 1."""
@overload
def video_retention(viewers_at_mark: _Number | _List, starts: _Number | _List) -> list[Any]: ...
@overload
def video_retention(viewers_at_mark: _Number | _List | _A, starts: _Number | _List | _A) -> _A: ...

@overload
def video_completion_rate(completions: _Number, starts: _Number) -> float:
    """Video completion rate: the share of starts that were watched to the end."""
@overload
def video_completion_rate(completions: _Number | _List, starts: _Number | _List) -> list[Any]: ...
@overload
def video_completion_rate(completions: _Number | _List | _A, starts: _Number | _List | _A) -> _A: ...

@overload
def delivery_rate(delivered: _Number, sent: _Number) -> float:
    """E-mail delivery rate."""
@overload
def delivery_rate(delivered: _Number | _List, sent: _Number | _List) -> list[Any]: ...
@overload
def delivery_rate(delivered: _Number | _List | _A, sent: _Number | _List | _A) -> _A: ...

@overload
def open_rate(unique_opens: _Number, delivered: _Number) -> float:
    """E-mail open rate, over delivered and not over sent e-mails."""
@overload
def open_rate(unique_opens: _Number | _List, delivered: _Number | _List) -> list[Any]: ...
@overload
def open_rate(unique_opens: _Number | _List | _A, delivered: _Number | _List | _A) -> _A: ...

@overload
def email_click_rate(unique_clicks: _Number, delivered: _Number) -> float:
    """E-mail click rate, over delivered e-mails."""
@overload
def email_click_rate(unique_clicks: _Number | _List, delivered: _Number | _List) -> list[Any]: ...
@overload
def email_click_rate(unique_clicks: _Number | _List | _A, delivered: _Number | _List | _A) -> _A: ...

@overload
def click_to_open_rate(unique_clicks: _Number, unique_opens: _Number) -> float:
    """Click-to-open rate. Above 1 where blocked images hide opens."""
@overload
def click_to_open_rate(unique_clicks: _Number | _List, unique_opens: _Number | _List) -> list[Any]: ...
@overload
def click_to_open_rate(unique_clicks: _Number | _List | _A, unique_opens: _Number | _List | _A) -> _A: ...

@overload
def unsubscribe_rate(unsubscribes: _Number, delivered: _Number) -> float:
    """E-mail unsubscribe rate, over delivered e-mails."""
@overload
def unsubscribe_rate(unsubscribes: _Number | _List, delivered: _Number | _List) -> list[Any]: ...
@overload
def unsubscribe_rate(unsubscribes: _Number | _List | _A, delivered: _Number | _List | _A) -> _A: ...

@overload
def registration_rate(registered: _Number, invited: _Number) -> float:
    """Registration rate: how well an event's promotion worked. Forwarding can push it above 1."""
@overload
def registration_rate(registered: _Number | _List, invited: _Number | _List) -> list[Any]: ...
@overload
def registration_rate(registered: _Number | _List | _A, invited: _Number | _List | _A) -> _A: ...

@overload
def attendance_rate(attended: _Number, registered: _Number) -> float:
    """Attendance rate of an event. Walk-ins can push it above 1."""
@overload
def attendance_rate(attended: _Number | _List, registered: _Number | _List) -> list[Any]: ...
@overload
def attendance_rate(attended: _Number | _List | _A, registered: _Number | _List | _A) -> _A: ...

@overload
def ab_lift(conversions_a: _Number, visitors_a: _Number, conversions_b: _Number, visitors_b: _Number) -> float:
    """Lift of variant B over variant A: the relative change of the conversion rate."""
@overload
def ab_lift(conversions_a: _Number | _List, visitors_a: _Number | _List, conversions_b: _Number | _List, visitors_b: _Number | _List) -> list[Any]: ...
@overload
def ab_lift(conversions_a: _Number | _List | _A, visitors_a: _Number | _List | _A, conversions_b: _Number | _List | _A, visitors_b: _Number | _List | _A) -> _A: ...

@overload
def ab_pvalue(conversions_a: _Number, visitors_a: _Number, conversions_b: _Number, visitors_b: _Number) -> float:
    """Two-sided p-value of the difference between two variants."""
@overload
def ab_pvalue(conversions_a: _Number | _List, visitors_a: _Number | _List, conversions_b: _Number | _List, visitors_b: _Number | _List) -> list[Any]: ...
@overload
def ab_pvalue(conversions_a: _Number | _List | _A, visitors_a: _Number | _List | _A, conversions_b: _Number | _List | _A, visitors_b: _Number | _List | _A) -> _A: ...

@overload
def ab_interval(conversions_a: _Number, visitors_a: _Number, conversions_b: _Number, visitors_b: _Number, confidence: _Number = ...) -> list[Any]:
    """Confidence interval of rate_b - rate_a: low and high in one row of two cells, no header."""
@overload
def ab_interval(conversions_a: _Number | _List, visitors_a: _Number | _List, conversions_b: _Number | _List, visitors_b: _Number | _List, confidence: _Number | _List = ...) -> list[Any]: ...
@overload
def ab_interval(conversions_a: _Number | _List | _Array, visitors_a: _Number | _List | _Array, conversions_b: _Number | _List | _Array, visitors_b: _Number | _List | _Array, confidence: _Number | _List | _Array = ...) -> Any: ...

@overload
def sample_size(baseline_rate: _Number, detectable_change: _Number, significance: _Number = ..., power: _Number = ..., method: str | None = ...) -> float:
    """Visitors that each variant of an A/B test needs, rounded up."""
@overload
def sample_size(baseline_rate: _Number | _List, detectable_change: _Number | _List, significance: _Number | _List = ..., power: _Number | _List = ..., method: str | None | _List = ...) -> list[Any]: ...
@overload
def sample_size(baseline_rate: _Number | _List | _A, detectable_change: _Number | _List | _A, significance: _Number | _List | _A = ..., power: _Number | _List | _A = ..., method: str | None | _List | _A = ...) -> _A: ...

@overload
def srm_pvalue(visitors_a: _Number, visitors_b: _Number, share_a: _Number = ...) -> float:
    """Sample ratio mismatch: how often chance alone would split the visitors at least so unevenly."""
@overload
def srm_pvalue(visitors_a: _Number | _List, visitors_b: _Number | _List, share_a: _Number | _List = ...) -> list[Any]: ...
@overload
def srm_pvalue(visitors_a: _Number | _List | _A, visitors_b: _Number | _List | _A, share_a: _Number | _List | _A = ...) -> _A: ...

def ab_mean_pvalue(values_a: _Column, values_b: _Column) -> float:
    """Two-sided p-value of the difference between two means, by Welch's t test."""

@overload
def ab_mean_interval(values_a: _Column, values_b: _Column, confidence: _Number = ...) -> list[Any]:
    """Confidence interval of mean_b - mean_a: low and high in one row of two cells, no header."""
@overload
def ab_mean_interval(values_a: _Column, values_b: _Column, confidence: _Number | _List = ...) -> list[Any]: ...
@overload
def ab_mean_interval(values_a: _Column, values_b: _Column, confidence: _Number | _List | _Array = ...) -> Any: ...

@overload
def ab_probability(conversions_a: _Number, visitors_a: _Number, conversions_b: _Number, visitors_b: _Number) -> float:
    """Probability that the rate of variant B is higher than that of A, all rates equally likely."""
@overload
def ab_probability(conversions_a: _Number | _List, visitors_a: _Number | _List, conversions_b: _Number | _List, visitors_b: _Number | _List) -> list[Any]: ...
@overload
def ab_probability(conversions_a: _Number | _List | _A, visitors_a: _Number | _List | _A, conversions_b: _Number | _List | _A, visitors_b: _Number | _List | _A) -> _A: ...

@overload
def ab_lift_interval(conversions_a: _Number, visitors_a: _Number, conversions_b: _Number, visitors_b: _Number, confidence: _Number = ...) -> list[Any]:
    """Confidence interval of the relative lift of B over A: low and high in one row of two cells."""
@overload
def ab_lift_interval(conversions_a: _Number | _List, visitors_a: _Number | _List, conversions_b: _Number | _List, visitors_b: _Number | _List, confidence: _Number | _List = ...) -> list[Any]: ...
@overload
def ab_lift_interval(conversions_a: _Number | _List | _Array, visitors_a: _Number | _List | _Array, conversions_b: _Number | _List | _Array, visitors_b: _Number | _List | _Array, confidence: _Number | _List | _Array = ...) -> Any: ...

@overload
def holm(p_values: _List) -> list[Any]:
    """P-values of several comparisons, adjusted so that all of them may be read together."""
@overload
def holm(p_values: _Array) -> Any: ...

@overload
def did(before_treated: _Number, after_treated: _Number, before_control: _Number, after_control: _Number) -> float:
    """Difference in differences: what a campaign changed, beyond what changed anyway."""
@overload
def did(before_treated: _Number | _List, after_treated: _Number | _List, before_control: _Number | _List, after_control: _Number | _List) -> list[Any]: ...
@overload
def did(before_treated: _Number | _List | _A, after_treated: _Number | _List | _A, before_control: _Number | _List | _A, after_control: _Number | _List | _A) -> _A: ...

@overload
def did_interval(before_treated: _Column, after_treated: _Column, before_control: _Column, after_control: _Column, confidence: _Number = ...) -> list[Any]:
    """Confidence interval of a difference in differences: low and high in one row of two cells."""
@overload
def did_interval(before_treated: _Column, after_treated: _Column, before_control: _Column, after_control: _Column, confidence: _Number | _List = ...) -> list[Any]: ...
@overload
def did_interval(before_treated: _Column, after_treated: _Column, before_control: _Column, after_control: _Column, confidence: _Number | _List | _Array = ...) -> Any: ...

@overload
def geo_lift(treated: _List, controls: _Column, before: _Number) -> list[list[Any]]:
    """What a campaign in one region changed, against a mixture of regions without it."""
@overload
def geo_lift(treated: _Array, controls: _Column, before: _Number) -> Any: ...

@overload
def synthetic_control(treated: _List, controls: _Column, before: _Number) -> list[list[Any]]:
    """A region with a campaign beside what it would have been without, period by period."""
@overload
def synthetic_control(treated: _Array, controls: _Column, before: _Number) -> Any: ...

@overload
def ab_sequential(conversions_a: _Number, visitors_a: _Number, conversions_b: _Number, visitors_b: _Number, planned_visitors: _Number, significance: _Number = ...) -> list[Any]:
    """A test that may be looked at on the way: z, the limit now, and what may be decided."""
@overload
def ab_sequential(conversions_a: _Number | _List, visitors_a: _Number | _List, conversions_b: _Number | _List, visitors_b: _Number | _List, planned_visitors: _Number | _List, significance: _Number | _List = ...) -> list[Any]: ...
@overload
def ab_sequential(conversions_a: _Number | _List | _Array, visitors_a: _Number | _List | _Array, conversions_b: _Number | _List | _Array, visitors_b: _Number | _List | _Array, planned_visitors: _Number | _List | _Array, significance: _Number | _List | _Array = ...) -> Any: ...

@overload
def ltv_curve(frame: _Frame, /, customer: str, date: str, amount: str, period: str = ..., segment: str | None = ..., margin: float = ..., as_of: _Day = ..., by: str = ...) -> _Frame:
    """LTV curve: what a customer has brought in all by each age, returns taken off."""
@overload
def ltv_curve(customers: _List, dates: _Column, amounts: _Column, period: str | None = ..., segments: _Column | None = ..., margin: _Number = ..., as_of: _Day = ..., by: str | None = ...) -> list[list[Any]]: ...
@overload
def ltv_curve(customers: _Array, dates: _Column, amounts: _Column, period: str | None = ..., segments: _Column | None = ..., margin: _Number = ..., as_of: _Day = ..., by: str | None = ...) -> Any: ...

@overload
def payback_period(cac: _Number, cumulative: _Column) -> float:
    """Payback period: the age at which a customer has brought back what the acquisition cost."""
@overload
def payback_period(cac: _Number | _List, cumulative: _Column) -> list[Any]: ...
@overload
def payback_period(cac: _Number | _List | _A, cumulative: _Column) -> _A: ...

@overload
def cac_by(spend_frame: _Frame, /, spend_segment: str, spend_date: str, spend: str, frame: Any, customer: str, date: str, segment: str, period: str = ...) -> _Frame:
    """CAC by segment and period: spend joined with the customers whose first order fell in it."""
@overload
def cac_by(spend_segments: _List, spend_dates: _Column, spend: _Column, customers: _Column, dates: _Column, segments: _Column, period: str | None = ...) -> list[list[Any]]: ...
@overload
def cac_by(spend_segments: _Array, spend_dates: _Column, spend: _Column, customers: _Column, dates: _Column, segments: _Column, period: str | None = ...) -> Any: ...

@overload
def order_segments(customers: _List, dates: _Column, touches_customers: _Column, touches_dates: _Column, touches: _Column, rule: str | None = ..., days: _Number = ...) -> list[Any]:
    """The segment of each order: the channel of the touch that is credited with it."""
@overload
def order_segments(customers: _Array, dates: _Column, touches_customers: _Column, touches_dates: _Column, touches: _Column, rule: str | None = ..., days: _Number = ...) -> Any: ...

@overload
def mrr_movements(frame: _Frame, /, customer: str, month: str, amount: str) -> _Frame:
    """Movements of the monthly recurring revenue (MRR): new, grown, shrunk, lost, back."""
@overload
def mrr_movements(customers: _List, months: _Column, amounts: _Column) -> list[list[Any]]: ...
@overload
def mrr_movements(customers: _Array, months: _Column, amounts: _Column) -> Any: ...

@overload
def quick_ratio(new_revenue: _Number, expansion: _Number, contraction: _Number, churned: _Number) -> float:
    """SaaS quick ratio: recurring revenue won over recurring revenue lost."""
@overload
def quick_ratio(new_revenue: _Number | _List, expansion: _Number | _List, contraction: _Number | _List, churned: _Number | _List) -> list[Any]: ...
@overload
def quick_ratio(new_revenue: _Number | _List | _A, expansion: _Number | _List | _A, contraction: _Number | _List | _A, churned: _Number | _List | _A) -> _A: ...

@overload
def survival_curve(frame: _Frame, /, start: str, end: str, period: str = ..., segment: str | None = ..., as_of: _Day = ..., confidence: float = ...) -> _Frame:
    """Survival curve of customers or contracts, by Kaplan and Meier: how long they stay."""
@overload
def survival_curve(starts: _List, ends: _Column, period: str | None = ..., segments: _Column | None = ..., as_of: _Day = ..., confidence: _Number = ...) -> list[list[Any]]: ...
@overload
def survival_curve(starts: _Array, ends: _Column, period: str | None = ..., segments: _Column | None = ..., as_of: _Day = ..., confidence: _Number = ...) -> Any: ...

@overload
def touch_paths(frame: _Frame, /, customer: str, date: str, channel: str, converted: str | None = ..., value: str | None = ..., days: float = ...) -> _Frame:
    """Paths of touches to conversions, counted: what ATTRIBUTION takes."""
@overload
def touch_paths(customers: _List, dates: _Column, channels: _Column, converted: _Column | None = ..., values: _Column | None = ..., days: _Number = ...) -> list[list[Any]]: ...
@overload
def touch_paths(customers: _Array, dates: _Column, channels: _Column, converted: _Column | None = ..., values: _Column | None = ..., days: _Number = ...) -> Any: ...

@overload
def sbg_fit(survivors: _List) -> list[list[Any]]:
    """Shifted beta-geometric model of cohorts that pay by contract, by maximum likelihood."""
@overload
def sbg_fit(survivors: _Array) -> Any: ...

@overload
def sbg_forecast(survivors: _List, horizon: _Number) -> list[list[Any]]:
    """Survival and retention of a cohort as the shifted beta-geometric model has them."""
@overload
def sbg_forecast(survivors: _Array, horizon: _Number) -> Any: ...

@overload
def clv_sbg(margin_per_period: _Number, survivors: _Column, discount_rate: _Number) -> float:
    """Customer lifetime value of a new customer by the shifted beta-geometric model."""
@overload
def clv_sbg(margin_per_period: _Number | _List, survivors: _Column, discount_rate: _Number | _List) -> list[Any]: ...
@overload
def clv_sbg(margin_per_period: _Number | _List | _A, survivors: _Column, discount_rate: _Number | _List | _A) -> _A: ...

@overload
def bdw_fit(survivors: _List) -> list[list[Any]]:
    """Beta-discrete-Weibull model of cohorts whose own churn rises or falls with time."""
@overload
def bdw_fit(survivors: _Array) -> Any: ...

@overload
def bdw_forecast(survivors: _List, horizon: _Number) -> list[list[Any]]:
    """Survival and retention of a cohort as the beta-discrete-Weibull model has them."""
@overload
def bdw_forecast(survivors: _Array, horizon: _Number) -> Any: ...

@overload
def btyd_fit(frame: _Frame, /, customer: str, date: str, amount: str | None = ..., period: str = ..., as_of: _Day = ..., model: str = ..., prior: str = ..., confidence: float | None = ...) -> _Frame:
    """Buy-till-you-die model of customers who come and go unseen, by maximum likelihood."""
@overload
def btyd_fit(customers: _List, dates: _Column, amounts: _Column | None = ..., period: str | None = ..., as_of: _Day = ..., model: str | None = ..., prior: str | None = ..., confidence: _Number = ..., covariates: _Column | None = ...) -> list[list[Any]]: ...
@overload
def btyd_fit(customers: _Array, dates: _Column, amounts: _Column | None = ..., period: str | None = ..., as_of: _Day = ..., model: str | None = ..., prior: str | None = ..., confidence: _Number = ..., covariates: _Column | None = ...) -> Any: ...

@overload
def clv_forecast(frame: _Frame, /, customer: str, date: str, amount: str, horizon: float, discount_rate: float = ..., period: str = ..., as_of: _Day = ..., model: str = ..., prior: str = ..., confidence: float | None = ...) -> _Frame:
    """Customer lifetime value to come, customer by customer, where they come and go unseen."""
@overload
def clv_forecast(customers: _List, dates: _Column, amounts: _Column, horizon: _Number, discount_rate: _Number = ..., period: str | None = ..., as_of: _Day = ..., model: str | None = ..., prior: str | None = ..., confidence: _Number = ...) -> list[list[Any]]: ...
@overload
def clv_forecast(customers: _Array, dates: _Column, amounts: _Column, horizon: _Number, discount_rate: _Number = ..., period: str | None = ..., as_of: _Day = ..., model: str | None = ..., prior: str | None = ..., confidence: _Number = ...) -> Any: ...

@overload
def clv_total(frame: _Frame, /, customer: str, date: str, amount: str, horizon: float, discount_rate: float = ..., period: str = ..., as_of: _Day = ..., model: str = ..., prior: str = ..., confidence: float = ...) -> _Frame:
    """What all customers of CLV_FORECAST together will bring, between a low and a high bound."""
@overload
def clv_total(customers: _List, dates: _Column, amounts: _Column, horizon: _Number, discount_rate: _Number = ..., period: str | None = ..., as_of: _Day = ..., model: str | None = ..., prior: str | None = ..., confidence: _Number = ...) -> list[list[Any]]: ...
@overload
def clv_total(customers: _Array, dates: _Column, amounts: _Column, horizon: _Number, discount_rate: _Number = ..., period: str | None = ..., as_of: _Day = ..., model: str | None = ..., prior: str | None = ..., confidence: _Number = ...) -> Any: ...

@overload
def btyd_check(frame: _Frame, /, customer: str, date: str, split_date: _Day, amount: str | None = ..., period: str = ..., as_of: _Day = ..., model: str = ..., prior: str = ...) -> _Frame:
    """Whether the model would have been right: fitted to a day, and compared with what came since."""
@overload
def btyd_check(customers: _List, dates: _Column, split_date: _Day, amounts: _Column | None = ..., period: str | None = ..., as_of: _Day = ..., model: str | None = ..., prior: str | None = ...) -> list[list[Any]]: ...
@overload
def btyd_check(customers: _Array, dates: _Column, split_date: _Day, amounts: _Column | None = ..., period: str | None = ..., as_of: _Day = ..., model: str | None = ..., prior: str | None = ...) -> Any: ...

@overload
def bgbb_fit(frequency: _List, recency: _Column, opportunities: _Column, counts: _Column | None = ...) -> list[list[Any]]:
    """BG/BB model of customers who give or buy at most once a year, say, by maximum likelihood."""
@overload
def bgbb_fit(frequency: _Array, recency: _Column, opportunities: _Column, counts: _Column | None = ...) -> Any: ...

@overload
def kpi_forecast(values: _List, horizon: _Number, season: _Number = ..., confidence: _Number = ...) -> list[list[Any]]:
    """Forecast of a KPI for the next periods, with a band for each, by exponential smoothing."""
@overload
def kpi_forecast(values: _Array, horizon: _Number, season: _Number = ..., confidence: _Number = ...) -> Any: ...

@overload
def alive_at(frequency: _Number, recency: _Number, age: _Number, ahead: _Number, r: _Number, alpha: _Number, a: _Number, b: _Number, model: str | None = ...) -> float:
    """Probability that a customer still buys, now or some periods ahead."""
@overload
def alive_at(frequency: _Number | _List, recency: _Number | _List, age: _Number | _List, ahead: _Number | _List, r: _Number | _List, alpha: _Number | _List, a: _Number | _List, b: _Number | _List, model: str | None | _List = ...) -> list[Any]: ...
@overload
def alive_at(frequency: _Number | _List | _A, recency: _Number | _List | _A, age: _Number | _List | _A, ahead: _Number | _List | _A, r: _Number | _List | _A, alpha: _Number | _List | _A, a: _Number | _List | _A, b: _Number | _List | _A, model: str | None | _List | _A = ...) -> _A: ...

@overload
def purchases_probability(n: _Number, frequency: _Number, recency: _Number, age: _Number, horizon: _Number, r: _Number, alpha: _Number, a: _Number, b: _Number, model: str | None = ...) -> float:
    """Probability that a customer makes exactly n purchases in the periods to come."""
@overload
def purchases_probability(n: _Number | _List, frequency: _Number | _List, recency: _Number | _List, age: _Number | _List, horizon: _Number | _List, r: _Number | _List, alpha: _Number | _List, a: _Number | _List, b: _Number | _List, model: str | None | _List = ...) -> list[Any]: ...
@overload
def purchases_probability(n: _Number | _List | _A, frequency: _Number | _List | _A, recency: _Number | _List | _A, age: _Number | _List | _A, horizon: _Number | _List | _A, r: _Number | _List | _A, alpha: _Number | _List | _A, a: _Number | _List | _A, b: _Number | _List | _A, model: str | None | _List | _A = ...) -> _A: ...

@overload
def btyd_dert(frequency: _Number, recency: _Number, age: _Number, discount_rate: _Number, r: _Number, alpha: _Number, a: _Number, b: _Number, model: str | None = ...) -> float:
    """Discounted expected residual transactions: all purchases still to come, at today's worth."""
@overload
def btyd_dert(frequency: _Number | _List, recency: _Number | _List, age: _Number | _List, discount_rate: _Number | _List, r: _Number | _List, alpha: _Number | _List, a: _Number | _List, b: _Number | _List, model: str | None | _List = ...) -> list[Any]: ...
@overload
def btyd_dert(frequency: _Number | _List | _A, recency: _Number | _List | _A, age: _Number | _List | _A, discount_rate: _Number | _List | _A, r: _Number | _List | _A, alpha: _Number | _List | _A, a: _Number | _List | _A, b: _Number | _List | _A, model: str | None | _List | _A = ...) -> _A: ...

@overload
def btyd_tracking(frame: _Frame, /, customer: str, date: str, horizon: float, period: str = ..., as_of: _Day = ..., model: str = ..., prior: str = ...) -> _Frame:
    """Repeat purchases that the fitted model expects, period by period: of the past and ahead."""
@overload
def btyd_tracking(customers: _List, dates: _Column, horizon: _Number, period: str | None = ..., as_of: _Day = ..., model: str | None = ..., prior: str | None = ...) -> list[list[Any]]: ...
@overload
def btyd_tracking(customers: _Array, dates: _Column, horizon: _Number, period: str | None = ..., as_of: _Day = ..., model: str | None = ..., prior: str | None = ...) -> Any: ...

@overload
def target_progress(actual: _Number, target: _Number, baseline: _Number) -> float:
    """Progress from the baseline to the target. It works when lower is better, too."""
@overload
def target_progress(actual: _Number | _List, target: _Number | _List, baseline: _Number | _List) -> list[Any]: ...
@overload
def target_progress(actual: _Number | _List | _A, target: _Number | _List | _A, baseline: _Number | _List | _A) -> _A: ...

@overload
def kpi_status(actual: _Number, target: _Number, baseline: _Number = ..., tolerance: _Number = ..., direction: str | None = ...) -> str:
    """Status of a KPI against its target: "on track", "at risk" or "off track"."""
@overload
def kpi_status(actual: _Number | _List, target: _Number | _List, baseline: _Number | _List = ..., tolerance: _Number | _List = ..., direction: str | None | _List = ...) -> list[Any]: ...
@overload
def kpi_status(actual: _Number | _List | _A, target: _Number | _List | _A, baseline: _Number | _List | _A = ..., tolerance: _Number | _List | _A = ..., direction: str | None | _List | _A = ...) -> _A: ...

@overload
def vs_baseline(actual: _Number, baseline: _Number) -> float:
    """Change against the baseline. From a negative baseline there is no such rate: #NUM!."""
@overload
def vs_baseline(actual: _Number | _List, baseline: _Number | _List) -> list[Any]: ...
@overload
def vs_baseline(actual: _Number | _List | _A, baseline: _Number | _List | _A) -> _A: ...

@overload
def run_rate(actual_to_date: _Number, elapsed: _Number, total: _Number) -> float:
    """Run rate: what the period will end with if it goes on as it went so far."""
@overload
def run_rate(actual_to_date: _Number | _List, elapsed: _Number | _List, total: _Number | _List) -> list[Any]: ...
@overload
def run_rate(actual_to_date: _Number | _List | _A, elapsed: _Number | _List | _A, total: _Number | _List | _A) -> _A: ...

def avg_growth(values: _Column) -> float:
    """Average (compound) growth per period between the first and the last value."""

def kpi_trend(values: _Column) -> float:
    """Trend: the straight-line change per period, as a share of the mean."""

@overload
def kpi_anomaly(values: _List, threshold: _Number = ...) -> list[Any]:
    """Anomalies: TRUE for each value that stands out, in the shape of the values."""
@overload
def kpi_anomaly(values: _Array, threshold: _Number = ...) -> Any: ...

@overload
def kpi_change_text(name: str | None, current: _Number, previous: _Number, direction: str | None = ..., language: str | None = ...) -> str:
    """A sentence on how a KPI has changed: "CAC rose 12 % to 224 (worse)"."""
@overload
def kpi_change_text(name: str | None | _List, current: _Number | _List, previous: _Number | _List, direction: str | None | _List = ..., language: str | None | _List = ...) -> list[Any]: ...
@overload
def kpi_change_text(name: str | None | _List | _A, current: _Number | _List | _A, previous: _Number | _List | _A, direction: str | None | _List | _A = ..., language: str | None | _List | _A = ...) -> _A: ...

def kpi_list(category: str | None = ...) -> list[list[Any]]:
    """List of the functions: name, category and definition."""

@overload
def kpi_define(name: str | None, language: str | None = ...) -> str:
    """Definition of a function in one text: what it is, its formula, its unit, its source."""
@overload
def kpi_define(name: str | None | _List, language: str | None | _List = ...) -> list[Any]: ...
@overload
def kpi_define(name: str | None | _List | _A, language: str | None | _List | _A = ...) -> _A: ...

@overload
def retention_rate(customers_end: _Number, customers_new: _Number, customers_start: _Number) -> float:
    """Customer retention rate: the share of the customers at the start who are still there."""
@overload
def retention_rate(customers_end: _Number | _List, customers_new: _Number | _List, customers_start: _Number | _List) -> list[Any]: ...
@overload
def retention_rate(customers_end: _Number | _List | _A, customers_new: _Number | _List | _A, customers_start: _Number | _List | _A) -> _A: ...

@overload
def churn_rate(customers_lost: _Number, customers_start: _Number) -> float:
    """Customer churn rate: the share of the customers at the start who left."""
@overload
def churn_rate(customers_lost: _Number | _List, customers_start: _Number | _List) -> list[Any]: ...
@overload
def churn_rate(customers_lost: _Number | _List | _A, customers_start: _Number | _List | _A) -> _A: ...

@overload
def annual_churn(period_churn: _Number, periods_per_year: _Number = ...) -> float:
    """Churn over a year, from the churn of a month (or another period)."""
@overload
def annual_churn(period_churn: _Number | _List, periods_per_year: _Number | _List = ...) -> list[Any]: ...
@overload
def annual_churn(period_churn: _Number | _List | _A, periods_per_year: _Number | _List | _A = ...) -> _A: ...

@overload
def revenue_churn(churned: _Number, start: _Number) -> float:
    """Revenue churn: the share of recurring revenue lost with the customers who left."""
@overload
def revenue_churn(churned: _Number | _List, start: _Number | _List) -> list[Any]: ...
@overload
def revenue_churn(churned: _Number | _List | _A, start: _Number | _List | _A) -> _A: ...

@overload
def grr(start: _Number, contraction: _Number, churned: _Number) -> float:
    """Gross revenue retention: the share of recurring revenue kept, expansion left out."""
@overload
def grr(start: _Number | _List, contraction: _Number | _List, churned: _Number | _List) -> list[Any]: ...
@overload
def grr(start: _Number | _List | _A, contraction: _Number | _List | _A, churned: _Number | _List | _A) -> _A: ...

@overload
def nrr(start: _Number, contraction: _Number, churned: _Number, expansion: _Number) -> float:
    """Net revenue retention: recurring revenue of the customers at the start, with expansion."""
@overload
def nrr(start: _Number | _List, contraction: _Number | _List, churned: _Number | _List, expansion: _Number | _List) -> list[Any]: ...
@overload
def nrr(start: _Number | _List | _A, contraction: _Number | _List | _A, churned: _Number | _List | _A, expansion: _Number | _List | _A) -> _A: ...

@overload
def repeat_purchase_rate(repeat_customers: _Number, customers: _Number) -> float:
    """Repeat purchase rate: the share of customers who bought more than once."""
@overload
def repeat_purchase_rate(repeat_customers: _Number | _List, customers: _Number | _List) -> list[Any]: ...
@overload
def repeat_purchase_rate(repeat_customers: _Number | _List | _A, customers: _Number | _List | _A) -> _A: ...

@overload
def adoption_rate(active_users: _Number, customers: _Number) -> float:
    """Adoption rate: the share of customers who use the product (or a feature of it)."""
@overload
def adoption_rate(active_users: _Number | _List, customers: _Number | _List) -> list[Any]: ...
@overload
def adoption_rate(active_users: _Number | _List | _A, customers: _Number | _List | _A) -> _A: ...

def nps(scores: _Column) -> float:
    """Net promoter score: 100 x the share of answers 9-10 less the share of 0-6."""

@overload
def nps_counts(promoters: _Number, passives: _Number, detractors: _Number) -> float:
    """Net promoter score from counts of answers: -100 to 100."""
@overload
def nps_counts(promoters: _Number | _List, passives: _Number | _List, detractors: _Number | _List) -> list[Any]: ...
@overload
def nps_counts(promoters: _Number | _List | _A, passives: _Number | _List | _A, detractors: _Number | _List | _A) -> _A: ...

@overload
def nps_error(promoters: _Number, passives: _Number, detractors: _Number, confidence: _Number = ..., method: str | None = ...) -> float:
    """Margin of error of a net promoter score, in its points: NPS plus or minus this."""
@overload
def nps_error(promoters: _Number | _List, passives: _Number | _List, detractors: _Number | _List, confidence: _Number | _List = ..., method: str | None | _List = ...) -> list[Any]: ...
@overload
def nps_error(promoters: _Number | _List | _A, passives: _Number | _List | _A, detractors: _Number | _List | _A, confidence: _Number | _List | _A = ..., method: str | None | _List | _A = ...) -> _A: ...

@overload
def csat(scores: _Column, satisfied_from: _Number = ...) -> float:
    """Customer satisfaction: the share of answers from satisfied_from (4 of 5) up."""
@overload
def csat(scores: _Column, satisfied_from: _Number | _List = ...) -> list[Any]: ...
@overload
def csat(scores: _Column, satisfied_from: _Number | _List | _A = ...) -> _A: ...

def ces(scores: _Column) -> float:
    """Customer effort score: the mean answer. Blank answers are skipped."""

@overload
def roi(returns: _Number, cost: _Number) -> float:
    """Return on investment: what came back beyond the cost, per unit of cost."""
@overload
def roi(returns: _Number | _List, cost: _Number | _List) -> list[Any]: ...
@overload
def roi(returns: _Number | _List | _A, cost: _Number | _List | _A) -> _A: ...

@overload
def mroi(sales_increase: _Number, marketing_cost: _Number, organic_increase: _Number = ..., gross_margin: _Number = ...) -> float:
    """Marketing return on investment (MROI, ROMI): incremental margin less cost, over cost."""
@overload
def mroi(sales_increase: _Number | _List, marketing_cost: _Number | _List, organic_increase: _Number | _List = ..., gross_margin: _Number | _List = ...) -> list[Any]: ...
@overload
def mroi(sales_increase: _Number | _List | _A, marketing_cost: _Number | _List | _A, organic_increase: _Number | _List | _A = ..., gross_margin: _Number | _List | _A = ...) -> _A: ...

@overload
def roas(revenue: _Number, ad_spend: _Number) -> float:
    """Return on ad spend: revenue per unit of advertising money. 10 is read 10 : 1."""
@overload
def roas(revenue: _Number | _List, ad_spend: _Number | _List) -> list[Any]: ...
@overload
def roas(revenue: _Number | _List | _A, ad_spend: _Number | _List | _A) -> _A: ...

@overload
def breakeven_roas(contribution_margin: _Number) -> float:
    """The ROAS at which advertising neither earns nor loses."""
@overload
def breakeven_roas(contribution_margin: _Number | _List) -> list[Any]: ...
@overload
def breakeven_roas(contribution_margin: _Number | _List | _A) -> _A: ...

@overload
def ad_cost_of_sales(ad_spend: _Number, revenue: _Number) -> float:
    """Advertising cost of sales: the share of its revenue that advertising costs."""
@overload
def ad_cost_of_sales(ad_spend: _Number | _List, revenue: _Number | _List) -> list[Any]: ...
@overload
def ad_cost_of_sales(ad_spend: _Number | _List | _A, revenue: _Number | _List | _A) -> _A: ...

@overload
def mer(total_revenue: _Number, marketing_spend: _Number) -> float:
    """Marketing efficiency ratio: all revenue per unit of all marketing spend."""
@overload
def mer(total_revenue: _Number | _List, marketing_spend: _Number | _List) -> list[Any]: ...
@overload
def mer(total_revenue: _Number | _List | _A, marketing_spend: _Number | _List | _A) -> _A: ...

@overload
def marketing_cost_ratio(marketing_cost: _Number, sales: _Number) -> float:
    """Marketing cost as a share of sales."""
@overload
def marketing_cost_ratio(marketing_cost: _Number | _List, sales: _Number | _List) -> list[Any]: ...
@overload
def marketing_cost_ratio(marketing_cost: _Number | _List | _A, sales: _Number | _List | _A) -> _A: ...

@overload
def revenue_contribution(marketing_revenue: _Number, total_revenue: _Number) -> float:
    """Marketing's share of all revenue."""
@overload
def revenue_contribution(marketing_revenue: _Number | _List, total_revenue: _Number | _List) -> list[Any]: ...
@overload
def revenue_contribution(marketing_revenue: _Number | _List | _A, total_revenue: _Number | _List | _A) -> _A: ...

@overload
def mql_rate(mqls: _Number, leads: _Number) -> float:
    """Share of leads that marketing qualified. In-period counts can exceed 1."""
@overload
def mql_rate(mqls: _Number | _List, leads: _Number | _List) -> list[Any]: ...
@overload
def mql_rate(mqls: _Number | _List | _A, leads: _Number | _List | _A) -> _A: ...

@overload
def sql_rate(sqls: _Number, mqls: _Number) -> float:
    """Share of marketing qualified leads that sales accepted. In-period counts can exceed 1."""
@overload
def sql_rate(sqls: _Number | _List, mqls: _Number | _List) -> list[Any]: ...
@overload
def sql_rate(sqls: _Number | _List | _A, mqls: _Number | _List | _A) -> _A: ...

@overload
def sqo_rate(sqos: _Number, sqls: _Number) -> float:
    """Share of sales qualified leads that became opportunities. In-period it can exceed 1."""
@overload
def sqo_rate(sqos: _Number | _List, sqls: _Number | _List) -> list[Any]: ...
@overload
def sqo_rate(sqos: _Number | _List | _A, sqls: _Number | _List | _A) -> _A: ...

@overload
def lead_to_customer_rate(customers: _Number, leads: _Number) -> float:
    """Share of leads that became customers. In-period counts can exceed 1."""
@overload
def lead_to_customer_rate(customers: _Number | _List, leads: _Number | _List) -> list[Any]: ...
@overload
def lead_to_customer_rate(customers: _Number | _List | _A, leads: _Number | _List | _A) -> _A: ...

@overload
def close_rate(won_deals: _Number, leads: _Number) -> float:
    """Close rate: deals won per lead."""
@overload
def close_rate(won_deals: _Number | _List, leads: _Number | _List) -> list[Any]: ...
@overload
def close_rate(won_deals: _Number | _List | _A, leads: _Number | _List | _A) -> _A: ...

@overload
def win_rate(won: _Number, lost: _Number) -> float:
    """Win rate: the share of decided deals that were won. Open deals are left out."""
@overload
def win_rate(won: _Number | _List, lost: _Number | _List) -> list[Any]: ...
@overload
def win_rate(won: _Number | _List | _A, lost: _Number | _List | _A) -> _A: ...

@overload
def sales_velocity(opportunities: _Number, win_rate: _Number, deal_size: _Number, cycle_days: _Number) -> float:
    """Sales velocity: the money per day that the pipeline brings in."""
@overload
def sales_velocity(opportunities: _Number | _List, win_rate: _Number | _List, deal_size: _Number | _List, cycle_days: _Number | _List) -> list[Any]: ...
@overload
def sales_velocity(opportunities: _Number | _List | _A, win_rate: _Number | _List | _A, deal_size: _Number | _List | _A, cycle_days: _Number | _List | _A) -> _A: ...

@overload
def sales_cycle(created: _Column, closed: _Column, method: str | None = ...) -> float:
    """Length of the sales cycle: days from created to closed."""
@overload
def sales_cycle(created: _Column, closed: _Column, method: str | None | _List = ...) -> list[Any]: ...
@overload
def sales_cycle(created: _Column, closed: _Column, method: str | None | _List | _A = ...) -> _A: ...

@overload
def pipeline_contribution(marketing_pipeline: _Number, total_pipeline: _Number) -> float:
    """Marketing's share of the pipeline."""
@overload
def pipeline_contribution(marketing_pipeline: _Number | _List, total_pipeline: _Number | _List) -> list[Any]: ...
@overload
def pipeline_contribution(marketing_pipeline: _Number | _List | _A, total_pipeline: _Number | _List | _A) -> _A: ...

@overload
def pipeline_win_share(new_deals: _Number, opportunities: _Number) -> float:
    """Share of opportunities that became deals. In-period counts can exceed 1."""
@overload
def pipeline_win_share(new_deals: _Number | _List, opportunities: _Number | _List) -> list[Any]: ...
@overload
def pipeline_win_share(new_deals: _Number | _List | _A, opportunities: _Number | _List | _A) -> _A: ...

@overload
def quota_attainment(actual: _Number, target: _Number) -> float:
    """Quota attainment: the share of a sales or visit quota that was reached."""
@overload
def quota_attainment(actual: _Number | _List, target: _Number | _List) -> list[Any]: ...
@overload
def quota_attainment(actual: _Number | _List | _A, target: _Number | _List | _A) -> _A: ...

@overload
def sales_growth(current: _Number, previous: _Number) -> float:
    """Growth of sales over the period before. A negative period before has no growth: #NUM!."""
@overload
def sales_growth(current: _Number | _List, previous: _Number | _List) -> list[Any]: ...
@overload
def sales_growth(current: _Number | _List | _A, previous: _Number | _List | _A) -> _A: ...

@overload
def social_engagements(likes: _Number, shares: _Number, comments: _Number, messages: _Number = ..., tags: _Number = ..., mentions: _Number = ...) -> float:
    """Social engagements: all the ways in which people reacted, added up."""
@overload
def social_engagements(likes: _Number | _List, shares: _Number | _List, comments: _Number | _List, messages: _Number | _List = ..., tags: _Number | _List = ..., mentions: _Number | _List = ...) -> list[Any]: ...
@overload
def social_engagements(likes: _Number | _List | _A, shares: _Number | _List | _A, comments: _Number | _List | _A, messages: _Number | _List | _A = ..., tags: _Number | _List | _A = ..., mentions: _Number | _List | _A = ...) -> _A: ...

@overload
def engagement_rate(engagements: _Number, audience: _Number) -> float:
    """Engagement rate: engagements per member of the audience."""
@overload
def engagement_rate(engagements: _Number | _List, audience: _Number | _List) -> list[Any]: ...
@overload
def engagement_rate(engagements: _Number | _List | _A, audience: _Number | _List | _A) -> _A: ...

@overload
def follower_growth(followers_end: _Number, followers_start: _Number) -> float:
    """Growth of the number of followers in a period."""
@overload
def follower_growth(followers_end: _Number | _List, followers_start: _Number | _List) -> list[Any]: ...
@overload
def follower_growth(followers_end: _Number | _List | _A, followers_start: _Number | _List | _A) -> _A: ...

@overload
def market_growth(current: _Number, previous: _Number) -> float:
    """Growth of the market."""
@overload
def market_growth(current: _Number | _List, previous: _Number | _List) -> list[Any]: ...
@overload
def market_growth(current: _Number | _List | _A, previous: _Number | _List | _A) -> _A: ...

@overload
def share_of_voice(own: _Number, total: _Number) -> float:
    """Share of voice: the brand's share of the market's mentions or advertising."""
@overload
def share_of_voice(own: _Number | _List, total: _Number | _List) -> list[Any]: ...
@overload
def share_of_voice(own: _Number | _List | _A, total: _Number | _List | _A) -> _A: ...

@overload
def market_share(own_sales: _Number, market_sales: _Number) -> float:
    """Market share, by revenue or by units."""
@overload
def market_share(own_sales: _Number | _List, market_sales: _Number | _List) -> list[Any]: ...
@overload
def market_share(own_sales: _Number | _List | _A, market_sales: _Number | _List | _A) -> _A: ...

@overload
def market_penetration(buyers: _Number, population: _Number) -> float:
    """Market penetration: the share of the population that bought."""
@overload
def market_penetration(buyers: _Number | _List, population: _Number | _List) -> list[Any]: ...
@overload
def market_penetration(buyers: _Number | _List | _A, population: _Number | _List | _A) -> _A: ...

@overload
def brand_awareness(aware: _Number, respondents: _Number) -> float:
    """Brand awareness: the share of respondents who know the brand."""
@overload
def brand_awareness(aware: _Number | _List, respondents: _Number | _List) -> list[Any]: ...
@overload
def brand_awareness(aware: _Number | _List | _A, respondents: _Number | _List | _A) -> _A: ...

@overload
def cohort(frame: _Frame, /, customer: str, date: str, amount: str | None = ..., period: str = ..., measure: str = ..., as_of: _Day = ..., segment: str | None = ...) -> _Frame:
    """Cohorts: customers by the period of their first order, followed from age to age."""
@overload
def cohort(customers: _List, dates: _Column, values: _Column | None = ..., period: str | None = ..., measure: str | None = ..., as_of: _Day = ..., segments: _Column | None = ...) -> list[list[Any]]: ...
@overload
def cohort(customers: _Array, dates: _Column, values: _Column | None = ..., period: str | None = ..., measure: str | None = ..., as_of: _Day = ..., segments: _Column | None = ...) -> Any: ...

@overload
def retention_curve(frame: _Frame, /, customer: str, date: str, period: str = ..., as_of: _Day = ..., segment: str | None = ...) -> _Frame:
    """Retention curve: the share of customers active at each age, over all cohorts together."""
@overload
def retention_curve(customers: _List, dates: _Column, period: str | None = ..., as_of: _Day = ..., segments: _Column | None = ...) -> list[list[Any]]: ...
@overload
def retention_curve(customers: _Array, dates: _Column, period: str | None = ..., as_of: _Day = ..., segments: _Column | None = ...) -> Any: ...

@overload
def rfm(frame: _Frame, /, customer: str, date: str, amount: str, as_of: _Day = ..., bins: float = ...) -> _Frame:
    """Recency, frequency and monetary value of each customer, with scores and a segment."""
@overload
def rfm(customers: _List, dates: _Column, amounts: _Column, as_of: _Day = ..., bins: _Number = ...) -> list[list[Any]]: ...
@overload
def rfm(customers: _Array, dates: _Column, amounts: _Column, as_of: _Day = ..., bins: _Number = ...) -> Any: ...

@overload
def customer_keys(customers: _List) -> list[Any]:
    """The customer of each row, so that an e-mail address is one however it is capitalised."""
@overload
def customer_keys(customers: _Array) -> Any: ...

@overload
def names_alike(names: _List, capitals: _Number = ...) -> list[list[Any]]:
    """The names that somebody has written in several ways, in the order in which they appear."""
@overload
def names_alike(names: _Array, capitals: _Number = ...) -> Any: ...

@overload
def funnel(stages: _List, counts: _Column) -> list[list[Any]]:
    """Funnel: the rates from stage to stage, and from the first stage to each."""
@overload
def funnel(stages: _Array, counts: _Column) -> Any: ...

@overload
def funnel_by(frame: _Frame, /, segment: str, stage_dates: Sequence[str], stages: Sequence[str | None] | None = ...) -> _Frame:
    """Funnels by segment: how many rows of each reached each stage, and the rates between."""
@overload
def funnel_by(segments: _List, stage_dates: _Column, stages: _Column | None = ...) -> list[list[Any]]: ...
@overload
def funnel_by(segments: _Array, stage_dates: _Column, stages: _Column | None = ...) -> Any: ...

@overload
def channel_mix(frame: _Frame, /, channel: str, value: str) -> _Frame:
    """Channel mix: the values of each channel, summed, with their shares, the largest first."""
@overload
def channel_mix(channels: _List, values: _Column) -> list[list[Any]]: ...
@overload
def channel_mix(channels: _Array, values: _Column) -> Any: ...

@overload
def clv(order_value: _Number, orders_per_period: _Number, lifetime_periods: _Number, gross_margin: _Number = ..., discount_rate: _Number = ...) -> float:
    """Customer lifetime value, the marketer's form: order value x orders x lifetime x margin."""
@overload
def clv(order_value: _Number | _List, orders_per_period: _Number | _List, lifetime_periods: _Number | _List, gross_margin: _Number | _List = ..., discount_rate: _Number | _List = ...) -> list[Any]: ...
@overload
def clv(order_value: _Number | _List | _A, orders_per_period: _Number | _List | _A, lifetime_periods: _Number | _List | _A, gross_margin: _Number | _List | _A = ..., discount_rate: _Number | _List | _A = ...) -> _A: ...

@overload
def clv_retention(margin_per_period: _Number, retention: _Number, discount_rate: _Number = ..., first_payment: _Number = ...) -> float:
    """Customer lifetime value of a constant margin and retention rate, without an end."""
@overload
def clv_retention(margin_per_period: _Number | _List, retention: _Number | _List, discount_rate: _Number | _List = ..., first_payment: _Number | _List = ...) -> list[Any]: ...
@overload
def clv_retention(margin_per_period: _Number | _List | _A, retention: _Number | _List | _A, discount_rate: _Number | _List | _A = ..., first_payment: _Number | _List | _A = ...) -> _A: ...

@overload
def clv_churn(revenue_per_period: _Number, churn: _Number, gross_margin: _Number = ...) -> float:
    """Customer lifetime value from churn: margin per period x expected lifetime."""
@overload
def clv_churn(revenue_per_period: _Number | _List, churn: _Number | _List, gross_margin: _Number | _List = ...) -> list[Any]: ...
@overload
def clv_churn(revenue_per_period: _Number | _List | _A, churn: _Number | _List | _A, gross_margin: _Number | _List | _A = ...) -> _A: ...

@overload
def clv_expansion(margin_per_period: _Number, churn: _Number, expansion_per_period: _Number) -> float:
    """Customer lifetime value when the margin of those who stay grows by a fixed amount."""
@overload
def clv_expansion(margin_per_period: _Number | _List, churn: _Number | _List, expansion_per_period: _Number | _List) -> list[Any]: ...
@overload
def clv_expansion(margin_per_period: _Number | _List | _A, churn: _Number | _List | _A, expansion_per_period: _Number | _List | _A) -> _A: ...

@overload
def clv_cac(clv: _Number, cac: _Number) -> float:
    """Lifetime value per unit of acquisition cost. 3 is a rule of thumb, not a law."""
@overload
def clv_cac(clv: _Number | _List, cac: _Number | _List) -> list[Any]: ...
@overload
def clv_cac(clv: _Number | _List | _A, cac: _Number | _List | _A) -> _A: ...

@overload
def customer_lifetime(churn: _Number) -> float:
    """Expected lifetime of a customer, in the periods of the churn rate."""
@overload
def customer_lifetime(churn: _Number | _List) -> list[Any]: ...
@overload
def customer_lifetime(churn: _Number | _List | _A) -> _A: ...

@overload
def aov(revenue: _Number, orders: _Number) -> float:
    """Average order value."""
@overload
def aov(revenue: _Number | _List, orders: _Number | _List) -> list[Any]: ...
@overload
def aov(revenue: _Number | _List | _A, orders: _Number | _List | _A) -> _A: ...

@overload
def arpu(revenue: _Number, users: _Number) -> float:
    """Average revenue per user."""
@overload
def arpu(revenue: _Number | _List, users: _Number | _List) -> list[Any]: ...
@overload
def arpu(revenue: _Number | _List | _A, users: _Number | _List | _A) -> _A: ...

@overload
def lead_value(revenue: _Number, leads: _Number) -> float:
    """What a lead is worth on average, won or not."""
@overload
def lead_value(revenue: _Number | _List, leads: _Number | _List) -> list[Any]: ...
@overload
def lead_value(revenue: _Number | _List | _A, leads: _Number | _List | _A) -> _A: ...

@overload
def conversion_rate(conversions: _Number, visitors: _Number) -> float:
    """Conversion rate: conversions per visitor. Above 1 where a visitor converts repeatedly."""
@overload
def conversion_rate(conversions: _Number | _List, visitors: _Number | _List) -> list[Any]: ...
@overload
def conversion_rate(conversions: _Number | _List | _A, visitors: _Number | _List | _A) -> _A: ...

@overload
def landing_conversion_rate(conversions: _Number, landing_visits: _Number) -> float:
    """Landing page conversion rate. Above 1 where a visit brings several conversions."""
@overload
def landing_conversion_rate(conversions: _Number | _List, landing_visits: _Number | _List) -> list[Any]: ...
@overload
def landing_conversion_rate(conversions: _Number | _List | _A, landing_visits: _Number | _List | _A) -> _A: ...

@overload
def form_conversion_rate(submissions: _Number, form_views: _Number) -> float:
    """Form conversion rate. Above 1 where one view brings several submissions."""
@overload
def form_conversion_rate(submissions: _Number | _List, form_views: _Number | _List) -> list[Any]: ...
@overload
def form_conversion_rate(submissions: _Number | _List | _A, form_views: _Number | _List | _A) -> _A: ...

@overload
def trial_conversion_rate(paid: _Number, trials: _Number) -> float:
    """Trial conversion rate: paying customers per trial. In-period counts can exceed 1."""
@overload
def trial_conversion_rate(paid: _Number | _List, trials: _Number | _List) -> list[Any]: ...
@overload
def trial_conversion_rate(paid: _Number | _List | _A, trials: _Number | _List | _A) -> _A: ...

@overload
def ctr(clicks: _Number, impressions: _Number) -> float:
    """Click-through rate: clicks per impression."""
@overload
def ctr(clicks: _Number | _List, impressions: _Number | _List) -> list[Any]: ...
@overload
def ctr(clicks: _Number | _List | _A, impressions: _Number | _List | _A) -> _A: ...

@overload
def traffic_share(channel_visits: _Number, total_visits: _Number) -> float:
    """A channel's share of the traffic: organic, referral, social and so on."""
@overload
def traffic_share(channel_visits: _Number | _List, total_visits: _Number | _List) -> list[Any]: ...
@overload
def traffic_share(channel_visits: _Number | _List | _A, total_visits: _Number | _List | _A) -> _A: ...

@overload
def traffic_growth(current: _Number, previous: _Number) -> float:
    """Growth of the traffic over the period before."""
@overload
def traffic_growth(current: _Number | _List, previous: _Number | _List) -> list[Any]: ...
@overload
def traffic_growth(current: _Number | _List | _A, previous: _Number | _List | _A) -> _A: ...

@overload
def traffic_to_mql(mqls: _Number, visitors: _Number) -> float:
    """Traffic-to-MQL ratio: marketing qualified leads per visitor."""
@overload
def traffic_to_mql(mqls: _Number | _List, visitors: _Number | _List) -> list[Any]: ...
@overload
def traffic_to_mql(mqls: _Number | _List | _A, visitors: _Number | _List | _A) -> _A: ...

@overload
def bounce_rate(bounces: _Number, sessions: _Number) -> float:
    """Bounce rate: the share of sessions that were not engaged."""
@overload
def bounce_rate(bounces: _Number | _List, sessions: _Number | _List) -> list[Any]: ...
@overload
def bounce_rate(bounces: _Number | _List | _A, sessions: _Number | _List | _A) -> _A: ...

@overload
def engaged_session_rate(engaged: _Number, sessions: _Number) -> float:
    """Engagement rate of sessions: 1 less the bounce rate in GA4."""
@overload
def engaged_session_rate(engaged: _Number | _List, sessions: _Number | _List) -> list[Any]: ...
@overload
def engaged_session_rate(engaged: _Number | _List | _A, sessions: _Number | _List | _A) -> _A: ...

@overload
def avg_session_duration(total_seconds: _Number, sessions: _Number) -> float:
    """Average time of a session, in seconds. Divide by 86400 to format it as a time in Excel."""
@overload
def avg_session_duration(total_seconds: _Number | _List, sessions: _Number | _List) -> list[Any]: ...
@overload
def avg_session_duration(total_seconds: _Number | _List | _A, sessions: _Number | _List | _A) -> _A: ...

@overload
def pages_per_session(pageviews: _Number, sessions: _Number) -> float:
    """Average number of pages viewed in a session."""
@overload
def pages_per_session(pageviews: _Number | _List, sessions: _Number | _List) -> list[Any]: ...
@overload
def pages_per_session(pageviews: _Number | _List | _A, sessions: _Number | _List | _A) -> _A: ...

@overload
def cart_abandonment_rate(purchases: _Number, carts: _Number) -> float:
    """Cart abandonment rate: the share of carts that were started but not bought."""
@overload
def cart_abandonment_rate(purchases: _Number | _List, carts: _Number | _List) -> list[Any]: ...
@overload
def cart_abandonment_rate(purchases: _Number | _List | _A, carts: _Number | _List | _A) -> _A: ...

def avg_position(positions: _Column, impressions: _Column | None = ...) -> float:
    """Average position of keywords, weighted by impressions where they are given."""
