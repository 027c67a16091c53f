/** Sees when a picture that should move does not. Counts from the first moving picture on; pauses and seeks are no stalls. */
export class StallMeter {
  count = 0;
  totalMs = 0;
  started = false;
  /** Set while the picture stands still. */
  stalledSince: number | null = null;
  private lastTime = -1;
  private lastMove = 0;

  /** @param noticeMs A pause shorter than this is not noticed by people, nor reliably by a timer. */
  constructor(
    private readonly video: HTMLVideoElement,
    private readonly onStall: (lengthMs: number | null) => void,
    private readonly noticeMs = 250,
  ) {
    const excuse = () => this.excuse();
    for (const name of ['pause', 'seeking', 'seeked', 'emptied', 'ended']) video.addEventListener(name, excuse);
    document.addEventListener('visibilitychange', excuse);
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
    if (this.stalledSince === null && now - this.lastMove > this.noticeMs) {
      this.stalledSince = this.lastMove;
      this.count++;
      this.onStall(null);
    }
  }

  total(now: number): number {
    return this.totalMs + (this.stalledSince === null ? 0 : now - this.stalledSince);
  }

  private end(now: number): void {
    if (this.stalledSince === null) return;
    const length = now - this.stalledSince;
    this.totalMs += length;
    this.stalledSince = null;
    this.onStall(length);
  }

  private excuse(): void {
    this.lastMove = performance.now();
  }
}
