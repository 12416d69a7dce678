// Reads the test card's strip (media/testcard.py) out of every frame that the page presents.
// window.tallyFrames: [shown at, drawn at] in ms of the epoch; window.tallyFirstFrame: ms after navigation.
(() => {
  const cells = 33; // STRIP_CELLS
  window.tallyFrames = [];
  window.tallyFirstFrame = null;
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const watch = (video) => {
    const look = () => {
      video.requestVideoFrameCallback(look);
      const shown = Date.now();
      if (window.tallyFirstFrame === null) window.tallyFirstFrame = performance.now();
      const width = video.videoWidth, height = video.videoHeight;
      if (width === 0) return; // a frame of a source that has just been taken away
      const cell = Math.floor(width / (cells + 2));
      canvas.width = width; canvas.height = 1;
      context.drawImage(video, 0, height - 2 * cell + Math.floor(cell / 2), width, 1, 0, 0, width, 1);
      const row = context.getImageData(0, 0, width, 1).data;
      let value = 0, ones = 0;
      for (let n = 0; n < cells; n++) {
        const lit = row[4 * ((n + 1) * cell + Math.floor(cell / 2)) + 1] > 128 ? 1 : 0;
        if (n < cells - 1) { value = value * 2 + lit; ones += lit; }
        else if (ones % 2 === lit) {
          const age = ((shown % 2 ** 32) - value + 2 ** 32) % 2 ** 32;
          window.tallyFrames.push([shown, shown - age]);
        }
      }
    };
    video.requestVideoFrameCallback(look);
  };
  const seen = new WeakSet();
  const find = () => document.querySelectorAll('video').forEach((video) => {
    if (!seen.has(video)) { seen.add(video); watch(video); }
  });
  new MutationObserver(find).observe(document, { childList: true, subtree: true });
  find();
})();
