// The flows of the mock server: one of each kind of trouble, and enough healthy ones around them.
import { type StoredFlow, type Story, type Told, type ToldReaction, tell } from "./story";

const placed = (key: string, sku = "tea") => ({
  order_id: key,
  customer_id: "ada",
  email: "[masked]",
  lines: [{ sku, quantity: 2, unit_price: { currency_code: "EUR", units: "4", nanos: 500000000 } }],
  total: { currency_code: "EUR", units: "9" },
  card_number: "[masked]",
});

const order = (key: string, reactions: ToldReaction[]): Told => ({
  type: "orders.v1.OrderPlaced",
  source: "orders",
  after: 0,
  data: placed(key),
  reactions,
});

const reserved = (after: number, reactions: ToldReaction[]): Told => ({
  type: "inventory.v1.StockReserved",
  source: "inventory",
  after,
  reactions,
});

const captured = (after: number, reactions: ToldReaction[]): Told => ({
  type: "payments.v1.PaymentCaptured",
  source: "payments",
  after,
  reactions,
});

export function completed(key: string, start: number): Story {
  const sent: Told = {
    type: "notifications.v1.ConfirmationSent",
    source: "notifications",
    kind: "notice",
    after: 14.1,
  };
  const confirmed: Told = {
    type: "orders.v1.OrderConfirmed",
    source: "orders",
    kind: "outcome",
    after: 12.2,
    reactions: [{ service: "notifications", attempts: [{ after: 12.6, ran: 1.1 }], emits: [sent] }],
  };
  const dispatched: Told = {
    type: "shipping.v1.ShipmentDispatched",
    source: "shipping",
    after: 11.7,
    reactions: [{ service: "orders", attempts: [{ after: 11.9, ran: 0.11 }], emits: [confirmed] }],
  };
  const paid = captured(7.6, [
    { service: "shipping", attempts: [{ after: 7.9, ran: 3.7 }], emits: [dispatched] },
  ]);
  const stock = reserved(1.8, [{ service: "payments", attempts: [{ after: 2.1, ran: 5.4 }], emits: [paid] }]);
  return {
    key,
    start,
    status: "completed",
    why: "ended with OrderConfirmed (6 events in 14.1 ms)",
    root: order(key, [
      { service: "inventory", attempts: [{ after: 0.4, ran: 0.09 }], emits: [stock] },
      { service: "orders", attempts: [{ after: 0.5, ran: 0.06 }] },
    ]),
  };
}

export function parked(key: string, start: number): Story {
  const tries = [
    { after: 8, ran: 41 },
    { after: 1050, ran: 38 },
    { after: 3100, ran: 40 },
    { after: 7200, ran: 39 },
  ].map((attempt) => ({ ...attempt, outcome: "retry" as const, error_code: "carrier_refused" }));
  const ship: ToldReaction = {
    service: "shipping",
    status: "parked",
    why: "parked after 5 of 5 attempts: the carrier refused the address",
    attempts: [...tries, { after: 15_300, ran: 42, outcome: "parked", error_code: "carrier_refused" }],
    may: ["shipping.v1.ShipmentDispatched", "shipping.v1.ShipmentFailed"],
  };
  const paid = captured(7.6, [ship]);
  return {
    key,
    start,
    status: "parked",
    why: "shipping could not handle PaymentCaptured (payments/3 @ 42): the carrier refused the address. 5 of 5 attempts, the last by shipping-1 (0.4.2). A person has to look.",
    root: order(key, [
      { service: "inventory", emits: [reserved(1.8, [{ service: "payments", emits: [paid] }])] },
      { service: "orders" },
    ]),
  };
}

export function retrying(key: string, start: number, now: number): Story {
  const next = new Date(now + 20_000).toISOString();
  const pay: ToldReaction = {
    service: "payments",
    status: "retrying",
    why: "attempt 3 failed: the gateway did not answer within 2 s",
    attempts: [
      { after: 3, ran: 2001, outcome: "retry", error_code: "gateway_timeout" },
      { after: 4100, ran: 2002, outcome: "retry", error_code: "gateway_timeout" },
      { after: 10_300, ran: 2000, outcome: "retry", error_code: "gateway_timeout", next_attempt_at: next },
    ],
    may: ["payments.v1.PaymentCaptured", "payments.v1.PaymentDeclined"],
  };
  return {
    key,
    start,
    status: "retrying",
    why: "payments waits to try StockReserved again: the gateway did not answer within 2 s. Attempt 3 of 8, the next in 20 s.",
    root: order(key, [{ service: "inventory", emits: [reserved(1.9, [pay])] }, { service: "orders" }]),
  };
}

export function blocked(key: string, start: number): Story {
  const ship: ToldReaction = {
    service: "shipping",
    status: "waiting",
    why: "no instance of shipping is alive since 15:41",
    may: ["shipping.v1.ShipmentDispatched", "shipping.v1.ShipmentFailed"],
  };
  const paid = captured(9.4, [ship]);
  return {
    key,
    start,
    status: "blocked",
    why: "waiting for shipping, which has no live instance since 15:41: PaymentCaptured (payments/1 @ 57) is not handled.",
    notes: ["14 other flows wait for shipping as well"],
    root: order(key, [
      { service: "inventory", emits: [reserved(2.2, [{ service: "payments", emits: [paid] }])] },
      { service: "orders" },
    ]),
  };
}

export function running(key: string, start: number): Story {
  const pay: ToldReaction = {
    service: "payments",
    status: "waiting",
    why: "payments is 12 records behind",
    may: ["payments.v1.PaymentCaptured", "payments.v1.PaymentDeclined"],
  };
  return {
    key,
    start,
    status: "running",
    why: "payments is about to react to StockReserved: 12 records before it, about 0.4 s.",
    root: order(key, [{ service: "inventory", emits: [reserved(2, [pay])] }, { service: "orders" }]),
  };
}

export function compensated(key: string, start: number): Story {
  const cancelled: Told = { type: "orders.v1.OrderCancelled", source: "orders", kind: "outcome", after: 19 };
  const released: Told = { type: "inventory.v1.StockReleased", source: "inventory", after: 17.5 };
  const declined: Told = {
    type: "payments.v1.PaymentDeclined",
    source: "payments",
    kind: "failure",
    after: 12,
    reactions: [
      { service: "inventory", emits: [released] },
      { service: "orders", emits: [cancelled] },
    ],
  };
  return {
    key,
    start,
    status: "compensated",
    why: "ended with OrderCancelled: the payment was declined, and the goods were released.",
    root: order(key, [
      { service: "inventory", emits: [reserved(2.4, [{ service: "payments", emits: [declined] }])] },
    ]),
  };
}

export function settled(key: string, start: number): Story {
  const root: Told = {
    type: "inventory.v1.GoodsReceived",
    source: "gateway",
    after: 0,
    reactions: [{ service: "inventory" }],
  };
  return {
    key,
    space: "sku",
    start,
    status: "settled",
    why: "every reaction is done, and there was no outcome.",
    root,
  };
}

export function unknown(key: string, start: number): Story {
  return {
    key,
    start,
    status: "unknown",
    why: "the index is 3 min behind: nobody can say yet whether inventory reacted.",
    root: order(key, [
      {
        service: "inventory",
        status: "waiting",
        may: ["inventory.v1.StockReserved", "inventory.v1.StockRejected"],
      },
    ]),
  };
}

const DAY = 86_400_000;

/** Days between its steps. */
export function long(key: string, start: number): Story {
  const reminded: Told = {
    type: "approvals.v1.ReminderDue",
    source: "clock",
    after: 2 * DAY,
    reactions: [
      {
        service: "approvals",
        attempts: [{ after: 2 * DAY + 3, ran: 80 }],
        emits: [
          {
            type: "approvals.v1.ApprovalEscalated",
            source: "approvals",
            after: 2 * DAY + 90,
            reactions: [
              {
                service: "notifications",
                attempts: [
                  { after: 2 * DAY + 95, ran: 2000, outcome: "retry", error_code: "smtp_timeout" },
                  { after: 2 * DAY + 4100, ran: 2000, outcome: "retry", error_code: "smtp_timeout" },
                  { after: 3 * DAY, ran: 220 },
                ],
              },
            ],
          },
        ],
      },
    ],
  };
  return {
    key,
    start,
    status: "settled",
    why: "every reaction is done, and there was no outcome.",
    root: order(key, [
      { service: "approvals", attempts: [{ after: 1, ran: 84 }], emits: [reminded] },
      { service: "orders" },
    ]),
  };
}

/** One order that becomes many shipments, some of which fail. */
export function many(key: string, start: number, count: number): Story {
  const shipments = Array.from({ length: count }, (_, nth): Told => {
    const bad = nth % 46 === 7;
    const after = 10 + nth * 1.7;
    const reaction: ToldReaction = bad
      ? {
          service: "orders",
          status: "parked",
          why: "parked after 5 attempts",
          attempts: [{ after: after + 1, ran: 2, outcome: "parked", error_code: "unknown_line" }],
        }
      : { service: "orders", attempts: [{ after: after + 1, ran: 0.3 }] };
    return { type: "shipping.v1.ShipmentDispatched", source: "shipping", after, reactions: [reaction] };
  });
  return {
    key,
    start,
    status: "parked",
    why: `orders could not handle ${Math.ceil((count - 7) / 46)} of ${count} ShipmentDispatched: unknown_line. A person has to look.`,
    root: order(key, [
      { service: "shipping", attempts: [{ after: 1, ran: 8 }], emits: shipments },
      { service: "orders" },
    ]),
  };
}

export function stories(now: number): StoredFlow[] {
  const told: Story[] = [];
  const ago = (minutes: number) => now - minutes * 60_000;
  for (let nth = 0; nth < 240; nth += 1) {
    const key = String(4200 + nth);
    const start = ago(600 - nth * 2);
    if (nth % 23 === 11) told.push(compensated(key, start));
    else if (nth % 31 === 17) told.push(parked(key, start));
    else told.push(completed(key, start));
  }
  told.push(long("4600", now - 3 * DAY - 60_000), many("4601", ago(42), 412), settled("tea", ago(33)));
  told.push(
    unknown("4640", ago(3)),
    blocked("4698", ago(31)),
    blocked("4699", ago(30)),
    retrying("4702", now - 14_000, now),
  );
  told.push(
    running("4709", now - 900),
    compensated("4710", ago(1)),
    completed("4712", now - 8000),
    parked("4711", ago(180)),
  );
  return told.map(tell);
}
