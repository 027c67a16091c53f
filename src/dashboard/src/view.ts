import type { OriginReport } from './switch';

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id}`);
  return found as T;
}

export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function seconds(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : `${value.toFixed(digits)} s`;
}

/** The last two minutes as small bars, newest at the right; the height says the same as the colour. */
export class Strip {
  private readonly cells: HTMLElement[] = [];

  constructor(host: Element, length = 60) {
    for (let i = 0; i < length; i++) this.cells.push(host.appendChild(document.createElement('i')));
  }

  push(state: string): void {
    for (let i = 0; i + 1 < this.cells.length; i++) this.set(i, this.cells[i + 1]?.dataset.state ?? '');
    this.set(this.cells.length - 1, state);
  }

  private set(index: number, state: string): void {
    const cell = this.cells[index];
    if (cell && cell.dataset.state !== state) cell.dataset.state = state;
  }
}

/** One origin: its name, whether it is on air, how fresh it is, and how that has been. */
export class OriginRow {
  private readonly strip: Strip;
  private readonly parts: Record<'name' | 'state' | 'detail' | 'error', HTMLElement>;
  readonly element = document.createElement('li');

  constructor(name: string) {
    this.element.dataset.origin = name;
    this.element.innerHTML =
      '<div class="origin-head"><b></b><span class="on-air" hidden>on air</span><span class="badge"></span></div>' +
      '<div class="origin-detail quiet"></div><div class="strip" role="img"></div><div class="error" hidden></div>';
    const part = (selector: string) => this.element.querySelector(selector) as HTMLElement;
    this.parts = { name: part('b'), state: part('.badge'), detail: part('.origin-detail'), error: part('.error') };
    setText(this.parts.name, name);
    const strip = part('.strip');
    strip.setAttribute('aria-label', `Freshness of ${name} over the last minute`);
    this.strip = new Strip(strip);
  }

  update(origin: OriginReport, active: boolean): void {
    this.element.classList.toggle('active', active);
    (this.element.querySelector('.on-air') as HTMLElement).hidden = !active;
    this.parts.state.dataset.state = origin.freshness;
    setText(this.parts.state, origin.freshness);
    setText(this.parts.detail, describe(origin));
    this.parts.error.hidden = !origin.last_error || origin.freshness === 'fresh';
    setText(this.parts.error, origin.last_error ?? '');
    this.strip.push(origin.freshness);
  }
}

function describe(origin: OriginReport): string {
  if (origin.edge == null) return 'no segment yet';
  if (origin.freshness === 'down') return `last seen at segment ${origin.edge}`;
  const age = origin.age_seconds == null ? '' : ` · ${origin.age_seconds.toFixed(1)} s old`;
  // Origins that are followed by their playlists count each for itself.
  if (origin.lag_segments == null) return `segment ${origin.edge}${age}`;
  return `segment ${origin.edge}${age} · ${origin.lag_segments > 0 ? `${origin.lag_segments} behind` : 'at the edge'}`;
}

/** Newest first, the latest fifty. */
export class EventLog {
  constructor(private readonly list: HTMLElement) {}

  add(kind: 'good' | 'bad' | 'note', text: string): void {
    const item = document.createElement('li');
    item.className = kind;
    const time = document.createElement('time');
    const now = new Date();
    time.dateTime = now.toISOString();
    time.textContent = now.toLocaleTimeString();
    item.append(time, text);
    this.list.prepend(item);
    while (this.list.childElementCount > 50) this.list.lastElementChild?.remove();
  }
}
