"""What becomes of a live association when the keys or the policy of its client are changed under it."""

from __future__ import annotations

from dataclasses import replace

from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.server_session import Session
from openami.protocols.dlms.server_settings import ServerState


def renewed_channel(session: Session, settings: AssociationSettings | None, state: ServerState) -> SecureChannel | None:
    """The channel that `session` would have under `settings`; `None` if nothing has changed for it.

    A policy that became stronger holds at once, for the session's own channel too: it only ever becomes stronger.
    """
    channel, association = session.channel, session.association
    if settings is None or channel is None or settings is association.settings or settings.keys is None:
        return None
    policy = settings.security_policy
    channel.control |= int(policy.response)
    channel.required |= int(policy.request)
    channel.sign |= policy.response_signed
    channel.signature_required |= policy.request_signed
    association.protection = channel.required
    title = channel.peer_system_title
    return SecureChannel(
        replace(settings.keys, dedicated_key=channel.keys.dedicated_key),
        channel.system_title,
        title,
        channel.sending,
        state.window(association.client_sap, title, settings.keys.global_unicast_encryption_key),
        control=channel.control,
        required=channel.required,
        form=channel.form,
        asymmetric=settings.asymmetric,
        random=channel.random,
        transactions=channel.transactions,
        sign=channel.sign,
        signature_required=channel.signature_required,
        dedicated_window=channel.dedicated_window,
    )
