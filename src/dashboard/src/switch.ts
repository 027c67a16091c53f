/** GET /api/switch: what the switch knows of each stream and of its origins. */
export interface SwitchReport {
  default_stream?: string | null;
  streams: Record<string, StreamReport>;
}

export interface StreamReport {
  /** `live`, `stalled` (every origin stands still), `cold` (nothing was had from any origin yet). */
  state: string;
  active_origin: string | null;
  /** The last segment that viewers are told of. */
  edge?: number | null;
  switches: number;
  origins: OriginReport[];
}

export interface OriginReport {
  name: string;
  /** `fresh`, `lagging`, `stale`, `quarantined`, `down`, `unknown`. */
  freshness: string;
  edge?: number | null;
  lag_segments?: number | null;
  /** Seconds since this origin last had something new. */
  age_seconds?: number | null;
  last_error?: string | null;
}

/** Asks once a second, never twice at a time, and says when there is no answer. */
export class SwitchPoll {
  /** Server clock minus this one, in ms; 0 within what a Date header can tell. */
  clockOffsetMs = 0;
  private failures = 0;

  constructor(
    private readonly url: string,
    private readonly onReport: (report: SwitchReport | null) => void,
  ) {}

  start(): void {
    void this.ask();
  }

  private async ask(): Promise<void> {
    const began = performance.now();
    try {
      const response = await fetch(this.url, { cache: 'no-store', signal: AbortSignal.timeout(3000) });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const report = (await response.json()) as SwitchReport;
      const date = Date.parse(response.headers.get('date') ?? '');
      const offset = Number.isNaN(date) ? 0 : date - Date.now();
      this.clockOffsetMs = Math.abs(offset) < 2500 ? 0 : offset;
      this.failures = 0;
      this.onReport(report);
    } catch {
      // One may be this machine's doing.
      if (++this.failures > 1) this.onReport(null);
    }
    window.setTimeout(() => void this.ask(), Math.max(200, 1000 - (performance.now() - began)));
  }
}
