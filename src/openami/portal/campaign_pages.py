"""The operator's pages of campaigns: how far each is, and which meters it has not read."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from openami.backoffice.operations.campaigns import CampaignView
from openami.backoffice.operations.job_state import JobState
from openami.portal.energy import found
from openami.portal.rooms import rooms_of

Asking = Request[Any, Any, Any]
JOBS_SHOWN = 200


@get("/campaigns", sync_to_thread=True)
def campaigns_page(request: Asking) -> Response[str]:
    """The last campaigns, newest first."""
    rooms = rooms_of(request)
    return rooms.pages.page(request, "campaigns", campaigns=rooms.operations.campaigns(100), tone=_tone)


def _tone(campaign: CampaignView) -> str:
    if campaign.failed:
        return "bad"
    return "warn" if campaign.pending else "good"


@get("/campaigns/{campaign:int}", sync_to_thread=True)
def campaign_page(request: Asking, campaign: FromPath[int]) -> Response[str]:
    """A campaign's progress, the causes of missed reads, and the meters that are not read."""
    rooms = rooms_of(request)
    view = found(rooms.operations.campaign, campaign)
    open_jobs = [job for job in rooms.operations.jobs(campaign) if job.state is not JobState.COMPLETED]
    jobs = [(rooms.registry.meter(job.meter), job) for job in open_jobs[:JOBS_SHOWN]]
    return rooms.pages.page(request, "campaign", campaign=view, jobs=jobs, more=len(open_jobs) > JOBS_SHOWN)


@get("/campaigns/{campaign:int}/progress", sync_to_thread=True)
def campaign_progress(request: Asking, campaign: FromPath[int]) -> dict[str, Any]:
    """The numbers that a page refreshes while a campaign runs."""
    rooms = rooms_of(request)
    view = found(rooms.operations.campaign, campaign)
    numbers = {"total": view.total, "completed": view.completed, "failed": view.failed, "pending": view.pending}
    return {**numbers, "state": str(view.state), "ended": view.ended_at is not None}
