"""How the nouns of one counter are joined: which mode gives its scans to whom."""

from __future__ import annotations

from functools import partial

from agent.adjusting.scans import AdjustingScans
from agent.adjusting.service import Adjustments
from agent.adjusting.told import ToldAdjustments
from agent.despatching.notes import Notes
from agent.despatching.scans import ShippingScans
from agent.despatching.service import Shipping
from agent.despatching.told import Told
from agent.identity.storage import Identity
from agent.journal.journal import Accepted, Journal
from agent.local.events import Hub
from agent.local.parts import Parts
from agent.neighbours.service import NoNeighbours
from agent.orders.scans import reorder
from agent.orders.service import Orders
from agent.orders.unsent import unsent_bodies
from agent.packing.cases import Cases
from agent.packing.rules import PACK, UNPACK
from agent.packing.scans import pack, unpack
from agent.packing.service import Packing
from agent.packing.standing import Standing
from agent.receiving.scans import receive
from agent.receiving.service import Goods
from agent.settings import Settings
from agent.shifts.card import clerk_card
from agent.shifts.service import Shifts
from agent.shop import Shop
from agent.stocktakes.scans import CountingScans
from agent.stocktakes.sending import Sending
from agent.stocktakes.service import Counting
from agent.store import Connection
from agent.till.asked import Resolver
from agent.till.counter import Counter, Judging, RecordRefused
from agent.till.desk import Desk
from agent.till.frames import Mode
from agent.till.pricing import Pricing
from agent.till.receipts import Receipts
from agent.till.returning import TakingBack
from agent.till.returns import Returns
from agent.till.sales import Sales
from agent.till.selling import Selling
from agent.till.supervisors import CARD_COMMAND, Supervisor, Supervisors
from agent.till.voids import Voids
from agent.verification.filters import Filters
from agent.verification.reader import Reader
from agent.verification.service import CentralAsked, NeighboursAsked, Sources, Verification
from agent.verification.signatures import Signatures
from protocol.events import Event, ScanRefused


def make_parts(
    shop: Shop,
    settings: Settings,
    identity: Identity,
    journal: Journal,
    hub: Hub,
    central: CentralAsked,
    neighbours: NeighboursAsked | None = None,
) -> Parts:
    """The nouns of the counter, joined."""
    signatures = Signatures(shop.replica, shop.clock)
    reader = Reader(settings.codes.rules(), signatures)
    verification = Verification(
        store=shop.store,
        replica=shop.replica,
        sources=Sources(
            labels=signatures,
            lists=Filters(shop.replica, signatures.verifies, store=shop.store, clock=shop.clock),
            central=central,
            neighbours=neighbours or NoNeighbours(),
        ),
        site=identity.site,
        time_zone=identity.time_zone,
        clock=shop.clock,
    )
    desk = Desk("sale", drafts=shop.drafts, announce=shop.announce, currency=shop.catalogue.currency)
    returns_desk = Desk(
        "return", drafts=shop.drafts, announce=shop.announce, currency=shop.catalogue.currency
    )
    resolver = Resolver(catalogue=shop.catalogue, verification=verification, reader=reader)
    shifts = Shifts(shop, is_required=settings.till.require_shift, is_blind=settings.till.blind_count)
    pricing = Pricing(shop, desk, Supervisors(_supervisors(settings), reader, shop.clock))
    sales = Sales(shop, resolver, desk, pricing, shifts)
    receipts = Receipts(shop.store, shop.documents, settings.till.void_minutes)
    taking_back = TakingBack(
        catalogue=shop.catalogue, desk=returns_desk, receipts=receipts, site=identity.site
    )
    cases = Cases(shop.store, shop.replica, shop.clock)
    goods = Goods(shop, cases)
    packing, unpacking = Packing(PACK, shop, cases), Packing(UNPACK, shop, cases)
    standing = Standing(shop.store, cases)
    counting = Counting(shop, cases, standing)
    counting_scans = CountingScans(counting, shop.catalogue, shop.clock.wall_us)
    shipping = Shipping(shop, cases, standing, identity.site)
    shipping_scans = ShippingScans(shipping, shop.catalogue, shop.store, shop.clock.wall_us)
    adjustments = Adjustments(shop, cases, standing)
    adjusting_scans = AdjustingScans(adjustments, adjustments, shop.catalogue, shop.clock.wall_us)
    orders = Orders(shop, lambda: unsent_bodies(journal))
    selling = Selling(
        catalogue=shop.catalogue,
        desk=desk,
        pricing=pricing,
        refuse_unknown_products=settings.till.unknown_products == "refuse",
    )
    counter = Counter(
        shop,
        Judging(
            reader=reader,
            verification=verification,
            ask_timeout_ms=settings.till.ask_timeout_ms,
            cards={"CLERK": partial(clerk_card, shifts), CARD_COMMAND: pricing.card},
        ),
        {
            Mode.SALE: selling.sell,
            Mode.VERIFY: lambda _, judged: selling.verify(judged),
            Mode.RECEIVE: lambda code, judged: receive(code, judged, shop.catalogue, goods),
            Mode.PACK: lambda code, judged: pack(code, judged, shop.catalogue, packing),
            Mode.UNPACK: lambda code, judged: unpack(code, judged, shop.catalogue, unpacking),
            Mode.REORDER: lambda _, judged: reorder(judged, shop.catalogue, orders),
            Mode.RETURN: taking_back.take_back,
            Mode.STOCKTAKE: counting_scans.count,
            Mode.SHIP: shipping_scans.load,
            Mode.ADJUST: adjusting_scans.note,
        },
        {Mode.SALE: desk, Mode.RETURN: returns_desk},
        goods,
        _recorder(shop, journal),
    )
    counter.take_command(Mode.STOCKTAKE, "UNDO", counting_scans.undo)
    counter.take_command(Mode.STOCKTAKE, "AREA", counting_scans.area)
    counter.take_command(Mode.SHIP, "UNDO", shipping_scans.undo)
    counter.take_command(Mode.SHIP, "SITE", shipping.choose_by_card)
    counter.take_command(Mode.ADJUST, "UNDO", adjusting_scans.undo)
    return Parts(
        counter=counter,
        desk=desk,
        returns_desk=returns_desk,
        sales=sales,
        returns=Returns(shop, resolver, returns_desk, receipts, verification, shifts),
        taking_back=taking_back,
        voids=Voids(shop, receipts, verification, shifts),
        receipts=receipts,
        selling=selling,
        goods=goods,
        packing=packing,
        unpacking=unpacking,
        counting=counting,
        counting_scans=counting_scans,
        sending=Sending(shop, counting),
        shipping=shipping,
        shipping_scans=shipping_scans,
        notes=Notes(shop.store, shop.documents, shop.catalogue, identity.site),
        told=Told(shop, shipping, reader.read, verification.confirmed),
        orders=orders,
        catalogue=shop.catalogue,
        verification=verification,
        reader=reader,
        ask_timeout_ms=settings.till.ask_timeout_ms,
        double_trigger_ms=settings.till.double_trigger_ms,
        clock=shop.clock,
        hub=hub,
        adjustments=adjustments,
        adjusting_scans=adjusting_scans,
        told_adjustments=ToldAdjustments(adjustments, reader, verification, shop.catalogue),
        shifts=shifts,
        pricing=pricing,
    )


def _supervisors(settings: Settings) -> list[Supervisor]:
    return [
        Supervisor(
            name=one.name,
            card=one.card,
            pin_hash=None if one.pin_hash is None else one.pin_hash.get_secret_value(),
        )
        for one in settings.supervisor
    ]


def _recorder(shop: Shop, journal: Journal) -> RecordRefused:
    """Appends the evidence of a refused scan. Nobody waits for it; a disk that refuses it is told of by the status."""

    def append(connection: Connection, event: Event) -> Accepted:
        return journal.append(connection, event)

    def record(refused: ScanRefused) -> None:
        shop.store.write(partial(append, event=Event(at=shop.clock.moment(), body=refused)))

    return record
