/** Less than this in hand when the picture stands still: the stream is to blame, not the machine that shows it. */
const STARVED_SECONDS = 0.25;

export interface StallEvents {
  /** There was nothing to show; null when it begins, the length when it has ended. */
  onStall(lengthMs: number | null): void;
  /** There was enough to show, and yet the picture stood still: a busy machine. */
  onHiccup(lengthMs: number): void;
}

/** Sees when a picture that should move does not. Counts from the first moving picture on; pauses and seeks do not count. */
export class StallMeter {
  count = 0;
  started = false;
  private totalMs = 0;
  private standing: { since: number; starved: boolean } | null = null;
  private lastTime = -1;
  private lastMove = 0;

  /** @param noticeMs A pause shorter than this is not noticed by people, nor reliably by a timer. */
  constructor(
    private readonly video: HTMLVideoElement,
    private readonly buffered: () => number,
    private readonly events: StallEvents,
    private readonly noticeMs = 250,
  ) {
    const excuse = () => (this.lastMove = performance.now());
    for (const name of ['pause', 'seeking', 'seeked', 'emptied', 'ended']) video.addEventListener(name, excuse);
    document.addEventListener('visibilitychange', excuse);
  }

  get stalled(): boolean {
    return this.standing?.starved ?? false;
  }

  /** To be called about ten times a second. */
  sample(now: number): void {
    const { currentTime, paused, seeking, ended } = this.video;
    if (currentTime !== this.lastTime) {
      if (this.lastTime >= 0 && currentTime > 0) this.started = true;
      this.end(now);
      this.lastTime = currentTime;
      this.lastMove = now;
      return;
    }
    if (!this.started || paused || seeking || ended || document.hidden) {
      this.lastMove = now;
      return;
    }
    if (now - this.lastMove <= this.noticeMs) return;
    this.standing ??= { since: this.lastMove, starved: false };
    if (!this.standing.starved && this.buffered() < STARVED_SECONDS) {
      this.standing.starved = true;
      this.count++;
      this.events.onStall(null);
    }
  }

  total(now: number): number {
    return this.totalMs + (this.standing?.starved ? now - this.standing.since : 0);
  }

  private end(now: number): void {
    if (this.standing === null) return;
    const { since, starved } = this.standing;
    this.standing = null;
    if (starved) {
      this.totalMs += now - since;
      this.events.onStall(now - since);
    } else this.events.onHiccup(now - since);
  }
}
