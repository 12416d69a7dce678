/** The chunk around hls.js: the full build, because the light one plays no separate audio rendition. */

export { default as Hls } from 'hls.js';
