import { defineConfig } from 'vite';

export default defineConfig({
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
