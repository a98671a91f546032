"""What each template takes, as data: a module a template, with the records of its input tables."""

from . import campaigns, funnel, retention, sales_team, scorecard, unit_economics
from .records import Column, Input, Schema

SCHEMAS: dict[str, Schema] = {
    module.SCHEMA.name: module.SCHEMA
    for module in (campaigns, funnel, retention, unit_economics, sales_team, scorecard)
}
"""The schemas of the templates, by their names, in the order of menus."""

__all__ = ["SCHEMAS", "Column", "Input", "Schema"]
