import { createPlayer } from './player';
import { StallMeter } from './stalls';
import { type StreamReport, SwitchPoll, type SwitchReport } from './switch';
import { byId, EventLog, OriginRow, seconds, setText, Strip } from './view';

const stream = new URLSearchParams(location.search).get('stream');
const path = stream ? `hls/${stream.split('/').map(encodeURIComponent).join('/')}/index.m3u8` : 'hls/index.m3u8';
const video = byId<HTMLVideoElement>('video');
const log = new EventLog(byId('log'));
const notice = byId('notice');
byId<HTMLAnchorElement>('source').href = path;

// Playback.
let trouble: string | null = null;
const player = createPlayer(video, new URL(path, location.href).href, {
  onEvent: (kind, text) => log.add(kind, text),
  onTrouble(text) {
    if (text === trouble) return;
    if (text) log.add('bad', text);
    else if (trouble) log.add('good', 'The stream is back.');
    trouble = text;
    notice.hidden = text === null;
    setText(notice, text ?? '');
  },
});
setText(byId('player'), player.name);

const stalls = new StallMeter(video, buffered, {
  onStall: (lengthMs) =>
    lengthMs === null
      ? log.add('bad', 'The picture stands still.')
      : log.add('good', `The picture moves again after ${(lengthMs / 1000).toFixed(1)} s.`),
  onHiccup: (lengthMs) => log.add('note', `This machine was too busy to play for ${(lengthMs / 1000).toFixed(1)} s.`),
});
video.addEventListener('playing', () => log.add('good', `Playing with ${player.name}.`), { once: true });

// Browsers start without sound only; the button says so.
const unmute = byId<HTMLButtonElement>('unmute');
const showUnmute = () => (unmute.hidden = !video.muted);
unmute.addEventListener('click', () => {
  video.muted = false;
  void video.play();
});
video.addEventListener('volumechange', showUnmute);
video.addEventListener('playing', showUnmute);
video.addEventListener('canplay', () => void video.play().catch(() => undefined));

// The switch.
const rows = new Map<string, OriginRow>();
let before: StreamReport | null = null;
let answered: boolean | null = null;
const poll = new SwitchPoll('api/switch', onReport);

function onReport(report: SwitchReport | null): void {
  if (answered !== false && !report) log.add('bad', 'The switch does not answer.');
  if (answered === false && report) log.add('good', 'The switch answers again.');
  answered = report !== null;
  byId('api-note').hidden = answered;
  if (!report) return;
  const names = Object.keys(report.streams);
  const name = stream ?? report.default_stream ?? names[0];
  const now = name === undefined ? undefined : report.streams[name];
  setText(byId('stream'), name ?? '');
  if (!now) return;
  showOrigins(now);
  if (before) reportChanges(before, now);
  before = now;
}

function showOrigins(now: StreamReport): void {
  setText(byId('stream-state'), now.state);
  setText(byId('active'), now.active_origin ?? 'none');
  setText(byId('switches'), `${now.switches || 'no'} ${now.switches === 1 ? 'switch' : 'switches'} so far`);
  const list = byId('origins');
  for (const origin of now.origins) {
    let row = rows.get(origin.name);
    if (!row) {
      row = new OriginRow(origin.name);
      rows.set(origin.name, row);
      list.append(row.element);
    }
    row.update(origin, origin.name === now.active_origin);
  }
}

function reportChanges(old: StreamReport, now: StreamReport): void {
  if (old.active_origin !== now.active_origin)
    log.add('note', `Switched from ${old.active_origin ?? 'none'} to ${now.active_origin ?? 'none'}.`);
  for (const { name, freshness } of now.origins) {
    const was = old.origins.find((o) => o.name === name)?.freshness;
    // Lagging comes and goes with every segment of a slow origin; that is what the strip is for.
    if (was !== undefined && was !== freshness && [was, freshness].some((f) => f !== 'fresh' && f !== 'lagging'))
      log.add(freshness === 'fresh' ? 'good' : freshness === 'lagging' ? 'note' : 'bad', `${name} is ${freshness}.`);
  }
}

// The figures.
const viewerStrip = new Strip(byId('viewer-strip').querySelector('.strip') as Element);

function buffered(): number {
  const { buffered: ranges, currentTime } = video;
  for (let i = 0; i < ranges.length; i++)
    if (ranges.start(i) <= currentTime + 0.1 && ranges.end(i) >= currentTime) return ranges.end(i) - currentTime;
  return 0;
}

function playbackState(): string {
  if (stalls.stalled) return 'stalled';
  if (!stalls.started) return trouble ? 'offline' : 'waiting';
  return video.paused ? 'paused' : 'live';
}

function showFigures(): void {
  const now = performance.now();
  const state = playbackState();
  const badge = byId('state');
  badge.dataset.state = state;
  setText(badge, state);
  setText(byId('latency'), stalls.started ? seconds(player.latency(poll.clockOffsetMs)) : '–');
  setText(byId('buffer'), stalls.started ? seconds(buffered()) : '–');
  setText(byId('stalls'), String(stalls.count));
  setText(byId('stalled'), stalls.count > 0 ? `, ${(stalls.total(now) / 1000).toFixed(1)} s` : '');
  byId('stalls-tile').dataset.bad = String(stalls.count > 0);
  setText(byId('picture'), video.videoWidth ? `${video.videoWidth}×${video.videoHeight}` : '–');
  const bitrate = player.bitrate();
  setText(byId('bitrate'), bitrate ? `picture, ${(bitrate / 1e6).toFixed(1)} Mb/s` : 'picture');
}

// Dark or light: the system's choice until the button has been used.
const theme = localStorage.getItem('theme');
if (theme) document.documentElement.dataset.theme = theme;
byId('theme').addEventListener('click', () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('theme', root.dataset.theme);
});

window.setInterval(() => stalls.sample(performance.now()), 100);
window.setInterval(showFigures, 250);
window.setInterval(() => viewerStrip.push(playbackState()), 1000);
poll.start();
