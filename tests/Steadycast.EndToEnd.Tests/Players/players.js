'use strict';

// What the test sets before start(): for each digit of the burnt-in frame counter its place in the picture and what
// the ten digits look like there, as lists of 0 and 1.
let field = null;

let players = ['hls.js', 'shaka'].map(name => ({
  name,
  video: document.getElementById(name),
  fatal: [], // what the player says that it cannot go on from
  warnings: 0,
  stalls: [], // {at, seconds}: nothing buffered, and the play head stood
  jumps: [], // {at, frames}: the picture is not the one that belongs to its time
  unread: 0, // pictures whose counter could not be read
  read: 0,
  shift: null, // frames between media time and counter; the same for ever when nothing is missing or repeated
  frames: 0,
}));

const fps = 30, loop = 960;
const canvas = document.createElement('canvas');
const context = canvas.getContext('2d', { willReadFrequently: true });

function counterOf(video) {
  const { x, y, width, height, digits } = field;
  canvas.width = width;
  canvas.height = height;
  context.drawImage(video, x, y, width, height, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height).data;
  const isLit = i => 0.2126 * pixels[4 * i] + 0.7152 * pixels[4 * i + 1] + 0.0722 * pixels[4 * i + 2] > 90;
  let counter = 0;
  for (const { left, span, looks } of digits) {
    let best = -1, least = Infinity;
    looks.forEach((look, digit) => {
      let wrong = 0;
      for (let row = 0; row < height; row++)
        for (let column = 0; column < span; column++)
          if (isLit(row * width + left + column) !== (look[row * span + column] === 1)) wrong++;
      if (wrong < least) [best, least] = [digit, wrong];
    });
    if (least > span * height / 10) return null;
    counter = counter * 10 + best;
  }
  return counter;
}

function watchFrames(player) {
  let readAt = 0;
  player.video.requestVideoFrameCallback(function look(now, frame) {
    player.frames++;
    // Four times a second is enough: a missing or repeated segment shifts all that follow.
    if (now - readAt > 250) {
      readAt = now;
      const counter = counterOf(player.video);
      if (counter === null) {
        player.unread++;
      } else {
        player.read++;
        const shift = ((Math.round(frame.mediaTime * fps) - counter) % loop + loop) % loop;
        // Rounding may fall to either side of a frame.
        const moved = player.shift === null ? 0 : Math.min((shift - player.shift + loop) % loop, (player.shift - shift + loop) % loop);
        if (moved > 1) player.jumps.push({ at: now / 1000, frames: moved });
        if (player.shift === null || moved > 1) player.shift = shift;
      }
    }
    player.video.requestVideoFrameCallback(look);
  });
}

function bufferedAhead(video) {
  for (let i = 0; i < video.buffered.length; i++)
    if (video.buffered.start(i) <= video.currentTime + 0.1 && video.currentTime <= video.buffered.end(i))
      return video.buffered.end(i) - video.currentTime;
  return 0;
}

// A stall is the network's: the play head stands and there is nothing to play. A busy machine that is late with a
// picture that it has is none.
function watchStalls(player) {
  let time = null, since = null;
  setInterval(() => {
    const now = performance.now() / 1000, video = player.video;
    if (player.frames === 0) return;
    if (time === null || video.currentTime > time + 0.01) {
      if (since !== null && now - since > 0.35) player.stalls.push({ at: since, seconds: now - since });
      [time, since] = [video.currentTime, null];
    } else if (bufferedAhead(video) < 0.2 && since === null) {
      since = now;
    }
  }, 50);
}

let hls = null, shakaPlayer = null;

// With both players, or with one of them only, on a machine that has to do more than to play.
async function start(url, field_, only) {
  field = field_;
  players = players.filter(p => !only || p.name === only);
  const [hlsjs, shaka_] = ['hls.js', 'shaka'].map(name => players.find(p => p.name === name));
  for (const player of players) {
    watchFrames(player);
    watchStalls(player);
    player.video.addEventListener('error', () => player.fatal.push(`${player.video.error?.code} ${player.video.error?.message}`));
  }

  if (hlsjs) {
    hls = new Hls();
    hls.on(Hls.Events.ERROR, (_, e) => e.fatal ? hlsjs.fatal.push(`${e.type} ${e.details}`) : hlsjs.warnings++);
    hls.loadSource(url);
    hls.attachMedia(hlsjs.video);
  }

  if (shaka_) {
    shaka.polyfill.installAll();
    const player = shakaPlayer = new shaka.Player();
    player.addEventListener('error', e => e.detail.severity === 2 ? shaka_.fatal.push(`${e.detail.category}/${e.detail.code}`) : shaka_.warnings++);
    await player.attach(shaka_.video);
    await player.load(url).catch(e => { throw new Error(`Shaka: ${e.category}/${e.code} ${JSON.stringify(e.data)}`); });
  }

  for (const { video } of players) await video.play();
}

// By player, in the order of the players.
const audioTracks = () => players.map(p => p.name === 'hls.js'
  ? hls.audioTracks.map(t => t.name)
  : shakaPlayer.getAudioTracks().map(t => t.label));
const audioPlaying = () => players.map(p => p.name === 'hls.js'
  ? hls.audioTracks[hls.audioTrack]?.name ?? null
  : shakaPlayer.getAudioTracks().find(t => t.active)?.label ?? null);

function selectAudio(name) {
  if (hls) hls.audioTrack = hls.audioTracks.findIndex(t => t.name === name);
  shakaPlayer?.selectAudioTrack(shakaPlayer.getAudioTracks().find(t => t.label === name));
}

// Joining is the player's own affair; what counts comes after it.
function begin() {
  for (const player of players) [player.stalls, player.jumps, player.warnings] = [[], [], 0];
}

const report = () => players.map(({ name, video, fatal, warnings, stalls, jumps, unread, read, frames }) =>
  ({ name, time: video.currentTime, ahead: bufferedAhead(video), fatal, warnings, stalls, jumps, unread, read, frames }));
