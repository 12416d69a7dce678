import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { bootScript, compressedTwins } from './build/boot.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const server = process.env.TALLY_DEV_SERVER ?? 'http://localhost:8080';

export default defineConfig({
  plugins: [react(), bootScript(at('src/boot.js')), compressedTwins(at('../static'))],
  build: {
    outDir: at('../static'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // data: URLs would need a hole in the content security policy
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700, // hls.js; loaded beside the application, never by it
    // What changes only with our dependencies stays in browsers' caches from one version to the next.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'vendor', test: /node_modules[\\/](?!hls\.js)/ }] } } },
  },
  server: {
    proxy: { '/api': server, '/hls': server, '/vods': server, '^/clips/.*\\.': server, '/avatars': server, '/thumbnails': server, '/emotes': server, '/ws': { target: server, ws: true } },
  },
  test: {
    environment: 'jsdom',
    include: ['tests/**/*.test.{ts,tsx}'],
    setupFiles: ['tests/setup.ts'],
    restoreMocks: true,
    unstubGlobals: true,
    testTimeout: 10_000,
    maxWorkers: 2, // else one fewer than there are cores: of two, one
    pool: 'threads',
    css: { modules: { classNameStrategy: 'non-scoped' } },
  },
});
