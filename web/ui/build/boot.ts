/** Build steps of our own: the script that runs before the page, and the compressed twins of what is built. */

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin, Rolldown } from 'vite';

const COMPRESSED = /\.(js|css|svg|html|webmanifest)$/;
const SMALLEST_WORTH_IT_BYTES = 512;

/** What the pages that viewers open need besides the application. */
const CHUNKS = { home: ['HomePage'], channel: ['WatchPage', 'hls'] };

/**
 * Put `src/boot.js` into the head as an asset of its own: a strict content security policy allows no inline script.
 * It is told the hashed names of what a page needs, so that all of it loads at once and not in turn.
 */
export function bootScript(source: string): Plugin {
  let bootName = '';
  return {
    name: 'tally-boot',
    apply: 'build',
    generateBundle() {
      bootName = this.getFileName(this.emitFile({ type: 'asset', name: 'boot.js', source: readFileSync(source, 'utf8') }));
    },
    transformIndexHtml: {
      order: 'post',
      handler(page, { bundle = {} }) {
        const lists = Object.entries(CHUNKS).map(([name, chunks]) => `data-${name}="${filesOf(chunks, bundle)}"`);
        const tag = `<script src="/${bootName}" ${lists.join(' ')}></script>`;
        // Before the style sheet, which would hold it up; after the charset, which has to come early.
        return page.replace('<title>', `${tag}\n    <title>`);
      },
    },
  };
}

/** The paths of the chunks called `names` and of all that they import, apart from what every page has already. */
function filesOf(names: string[], bundle: Rolldown.OutputBundle): string {
  const chunks = Object.values(bundle).filter((output) => output.type === 'chunk');
  const closure = (roots: Rolldown.OutputChunk[]): Set<Rolldown.OutputChunk> => {
    const found = new Set(roots);
    for (const chunk of found) for (const other of chunks) if (chunk.imports.includes(other.fileName)) found.add(other);
    return found;
  };
  const everywhere = closure(chunks.filter((chunk) => chunk.isEntry));
  const roots = names.map((name) => {
    const root = chunks.find((chunk) => chunk.isDynamicEntry && chunk.name === name);
    if (!root) throw new Error(`no chunk is called ${name}: its page would load in turn`);
    return root;
  });
  const wanted = [...closure(roots)].filter((chunk) => !everywhere.has(chunk));
  const files = wanted.flatMap((chunk) => [chunk.fileName, ...(chunk.viteMetadata?.importedCss ?? [])]);
  return files.map((file) => '/' + file).join(' ');
}

/** Write `.gz` and `.br` beside every text file, for servers that send such twins as they are. */
export function compressedTwins(directory: string): Plugin {
  return {
    name: 'tally-compress',
    apply: 'build',
    closeBundle() {
      for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
        const path = join(directory, entry);
        if (!COMPRESSED.test(entry) || statSync(path).size < SMALLEST_WORTH_IT_BYTES) continue;
        const bytes = readFileSync(path);
        writeFileSync(path + '.gz', gzipSync(bytes, { level: 9 }));
        writeFileSync(path + '.br', brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
      }
    },
  };
}
