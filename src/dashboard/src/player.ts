import Hls, { ErrorDetails, ErrorTypes, Events } from 'hls.js/light';

export interface PlayerEvents {
  /** Something that a viewer may want to know afterwards. */
  onEvent(kind: 'good' | 'bad' | 'note', text: string): void;
  /** What stands in the way of playing now; null when nothing does. */
  onTrouble(text: string | null): void;
}

export interface Player {
  readonly name: string;
  /** Seconds behind the moment when the picture was taken; null when the playlist has no programme dates. */
  latency(clockOffsetMs: number): number | null;
  /** Bits per second of what came lately; null when unknown. */
  bitrate(): number | null;
}

/** Never gives up on a playlist: a stale picture that returns beats an error message. */
const patient = {
  maxTimeToFirstByteMs: 8000,
  maxLoadTimeMs: 15000,
  timeoutRetry: { maxNumRetry: 10, retryDelayMs: 500, maxRetryDelayMs: 2000 },
  errorRetry: { maxNumRetry: 20, retryDelayMs: 500, maxRetryDelayMs: 2000 },
};

/**
 * Plays with hls.js wherever there is Media Source Extensions. Chromium answers "maybe" for native HLS now, but its own
 * player dies of a single failed segment, so native is only for browsers that have nothing else (iPhone).
 */
export function createPlayer(video: HTMLVideoElement, url: string, events: PlayerEvents): Player {
  if (Hls.isSupported()) return new HlsJsPlayer(video, url, events);
  if (video.canPlayType('application/vnd.apple.mpegurl')) return new NativePlayer(video, url, events);
  events.onTrouble('This browser can play neither Media Source Extensions nor HLS.');
  return { name: 'none', latency: () => null, bitrate: () => null };
}

class HlsJsPlayer implements Player {
  readonly name = `hls.js ${Hls.version}`;
  private hls: Hls | null = null;
  private retry: number | undefined;
  private recoveredAt = 0;
  private recent: { bytes: number; seconds: number }[] = [];

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly url: string,
    private readonly events: PlayerEvents,
  ) {
    this.open();
  }

  latency(clockOffsetMs: number): number | null {
    const date = this.hls?.playingDate;
    return date ? (Date.now() + clockOffsetMs - date.getTime()) / 1000 : null;
  }

  bitrate(): number | null {
    const seconds = this.recent.reduce((sum, fragment) => sum + fragment.seconds, 0);
    return seconds > 0 ? (8 * this.recent.reduce((sum, fragment) => sum + fragment.bytes, 0)) / seconds : null;
  }

  private open(): void {
    this.hls?.destroy();
    const hls = new Hls({
      enableWorker: false,
      liveSyncDurationCount: 3,
      // A machine that was asleep or busy jumps back to live before its place leaves the window.
      liveMaxLatencyDurationCount: 20,
      backBufferLength: 30,
      manifestLoadPolicy: { default: patient },
      playlistLoadPolicy: { default: patient },
      fragLoadPolicy: { default: { ...patient, maxLoadTimeMs: 60000 } },
    });
    this.hls = hls;
    hls.on(Events.MANIFEST_PARSED, () => this.events.onTrouble(null));
    hls.on(Events.FRAG_BUFFERED, (_, { frag }) => {
      this.recent = [...this.recent.slice(-4), { bytes: frag.stats.loaded, seconds: frag.duration }];
      this.events.onTrouble(null);
    });
    hls.on(Events.ERROR, (_, data) => {
      if (!data.fatal) {
        const failed = data.details === ErrorDetails.LEVEL_LOAD_ERROR || data.details === ErrorDetails.FRAG_LOAD_ERROR;
        if (failed) this.events.onEvent('note', `A request failed (${data.response?.code || 'no answer'}); trying again.`);
        return;
      }
      // Media errors are repaired in place; a second one soon after, and all others, need a fresh player.
      if (data.type === ErrorTypes.MEDIA_ERROR && Date.now() - this.recoveredAt > 5000) {
        this.recoveredAt = Date.now();
        this.events.onEvent('note', `The decoder was reset (${data.details}).`);
        hls.recoverMediaError();
        return;
      }
      const code = data.response?.code;
      this.events.onTrouble(code === 404 || code === 503 ? 'Waiting for the stream.' : 'The stream cannot be reached.');
      window.clearTimeout(this.retry);
      this.retry = window.setTimeout(() => this.open(), 1000);
    });
    hls.loadSource(this.url);
    hls.attachMedia(this.video);
  }
}

class NativePlayer implements Player {
  readonly name = 'native HLS';

  constructor(video: HTMLVideoElement, url: string, events: PlayerEvents) {
    const open = () => {
      video.src = url;
      video.load();
      void video.play().catch(() => undefined);
    };
    video.addEventListener('playing', () => events.onTrouble(null));
    video.addEventListener('error', () => {
      events.onTrouble('Waiting for the stream.');
      window.setTimeout(open, 1000);
    });
    open();
    this.video = video;
  }

  private readonly video: HTMLVideoElement & { getStartDate?: () => Date };

  latency(clockOffsetMs: number): number | null {
    const start = this.video.getStartDate?.().getTime();
    return start ? (Date.now() + clockOffsetMs - start) / 1000 - this.video.currentTime : null;
  }

  bitrate(): number | null {
    return null;
  }
}
