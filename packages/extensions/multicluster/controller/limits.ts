/** Bounds of the mirror controllers, with the reason for each. */
export const LIMITS = {
  /** Changes that arrive within this become one reconciliation. */
  settleMs: 20,
  /** After so many reconciliations in a row, each within {@link stormMs} of the last, the pause doubles up to its maximum. */
  quickInARow: 8,
  stormMs: 400,
  /** It bounds what the changes of others cost: every controller sees them. */
  settleMsMax: 320,
  /** The first pause after a failed write, while `-event-requeue-limit` is not used up; doubles each time. */
  requeueMsFirst: 5,
  /** After further failed writes: doubles from the first to the cap, for ever. */
  retryMsFirst: 500,
  retryMsMax: 60_000,
  /** Writes under way at once: enough for a first sync of thousands, few enough not to crowd an API server. */
  writesAtOnce: 8,
  /** So many Services are named in one watch of EndpointSlices; with more, those of all Services are watched: URLs have an end. */
  namesInSelector: 100,
  /** Resolution of one host name of a gateway. */
  lookupMs: 5_000,
  /** Share of a probe's period by which the next one is delayed at random, so that many controllers do not probe in step. */
  probeJitter: 0.1,
  /** The status of a Link in which only numbers changed is written no sooner after the last write: endpoints come and go all the time. */
  statusCountsMs: 10_000,
  /** Numbers that change within this are looked at once. */
  statusSettleMs: 250,
  /** No more writes of one Link's status than these in this time, whatever changes: the rest is said by the next one. */
  statusWritesMax: 20,
  statusWindowMs: 10_000,
  /** Writes of the same object with the same content in a row, before there are pauses: from the first to the cap, doubling. */
  rewritesFree: 4,
  rewriteMsFirst: 1_000,
  rewriteMsMax: 600_000,
  /** So long after the last write, who changed it back is forgotten. */
  rewriteForgetMs: 1_200_000,
  /** Of another Link's status, what concerns everybody changes in days, the rest all the time. */
  otherLinkMs: 60_000,
  /** Other Links that are read at once: their statuses are long. */
  linkReadsAtOnce: 4,
  /** How often the trust roots of a linked cluster are compared with ours: they change in weeks. */
  trustLookMs: 60_000,
  /** The configuration of a control plane has a few kilobytes, and few roots; reading YAML costs. */
  trustBytesMax: 262_144,
  trustRootsMax: 20,
  /** Objects that a condition names of those that something is left out of. */
  refusedNamed: 3,
  /** Events about Services that are told at once; of more, the log and the status say. */
  eventsAtOnce: 100,
  /** Networks of one cluster's pods that are compared; nodes that are numbered in order unite into a few. */
  podNetworksMax: 256,
  /** After a token could not be renewed: doubles from the first to the cap, for ever. */
  renewMsFirst: 5_000,
  renewMsMax: 300_000,
  /** Credentials are looked at again after this at the latest: timers have an end, and clocks are set. */
  credentialsLookMs: 3_600_000,
} as const;
