import { defineConfig } from 'vite';

const notice = '/*! Contains hls.js 1.7.4, (c) 2017 Dailymotion and others, Apache License 2.0. */\n';

export default defineConfig({
  plugins: [
    {
      // After minifying, which would take the notice away.
      name: 'notice',
      generateBundle(_, bundle) {
        for (const file of Object.values(bundle)) if (file.type === 'chunk') file.code = notice + file.code;
      },
    },
  ],
  // The page may be served below a path by a proxy in front: every address it uses is relative.
  base: './',
  build: {
    outDir: '../Steadycast.Server/wwwroot',
    emptyOutDir: true,
    target: 'es2020',
    // A data: address would need a wider content security policy.
    assetsInlineLimit: 0,
    modulePreload: false,
    chunkSizeWarningLimit: 500,
  },
  server: { proxy: { '/hls': 'http://127.0.0.1:8080', '/api': 'http://127.0.0.1:8080' } },
});
