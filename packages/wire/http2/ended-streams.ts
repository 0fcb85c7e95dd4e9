import { HTTP2_LIMITS } from './limits.ts';

/** How a stream that is not open any more came to its end. */
export type HowEnded = 'by-us' | 'by-peer' | 'never';

/**
 * Remembers the streams that ended last, by number, to tell frames that crossed our reset on their way (ignored) from
 * those that no correct peer sends (RFC 9113 section 5.1, "closed").
 */
export class EndedStreams {
  /** Per slot: stream * 2, plus 1 if we broke it off. */
  #slots: Uint32Array | undefined;

  add(streamId: number, byUs: boolean): void {
    this.#slots ??= new Uint32Array(HTTP2_LIMITS.endedStreamsMax);
    this.#slots[slotOf(streamId)] = streamId * 2 + (byUs ? 1 : 0);
  }

  /** `by-peer`: the peer reset it or both sides ended it. `never`: it is not remembered. */
  howEnded(streamId: number): HowEnded {
    const slot = this.#slots?.[slotOf(streamId)];
    if (slot === streamId * 2) return 'by-peer';
    return slot === streamId * 2 + 1 ? 'by-us' : 'never';
  }

  /** Whether a stream with this number would be remembered, if it had existed, when `lastId` is the highest so far. */
  remembers(streamId: number, lastId: number): boolean {
    return lastId - streamId < HTTP2_LIMITS.endedStreamsMax * 2;
  }
}

function slotOf(streamId: number): number {
  return (streamId >>> 1) & (HTTP2_LIMITS.endedStreamsMax - 1);
}
