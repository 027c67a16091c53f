// The light build has no alternate audio, captions or DRM, and no declarations of its own: it is a subset of the full one.
declare module 'hls.js/light' {
  export * from 'hls.js';
  export { default } from 'hls.js';
}
