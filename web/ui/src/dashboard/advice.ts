/** What a streamer should change, read off the figures of the running stream: one rule for each trouble. */

import type { RungHealth, SessionHealth, TrackHealth } from '../api/types';
import { formatBitrate, formatCodec } from '../format';
import { lossOf, mean, publisherOnAir, rise, unsteadiness, type Sample } from './samples';

export interface Advice {
  id: string;
  level: 'bad' | 'warn';
  /** What is wrong and what it does. */
  cause: string;
  /** What to set, where. */
  fix: string;
}

interface Look {
  health: SessionHealth;
  video: TrackHealth | null;
  audio: TrackHealth | null;
  /** Without those in which the publisher was away. */
  samples: readonly Sample[];
}

interface Rule {
  id: string;
  level: Advice['level'];
  /** The trouble in words, or null where there is none. */
  cause: (look: Look) => string | null;
  fix: string | ((look: Look) => string);
}

const KEYFRAME_MAX_S = 4;
const KEYFRAME_MIN_S = 0.5;
const LOW_FRAME_RATE = 20;
/** What OBS and cameras make; anything else is a slip or an encoder that cannot keep up. */
const USUAL_FRAME_RATES = [24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144];
const FRAME_RATE_SLACK = 0.6;
const FRAME_RATE_UNSTEADY = 0.08;
/** Standard deviation over mean: constant bitrate stays below a third also with busy pictures. */
const BITRATE_UNSTEADY = 0.4;
const SAMPLES_FOR_UNSTEADY = 8;
const JITTER_MS = 150;
const SAMPLES_FOR_JITTER = 5;
const SILENT_MS = 3000;
const MANY_INTERRUPTIONS = 2;
const HIGH_LOSS = 0.02;
/** Below it a share says nothing. */
const PACKETS_FOR_LOSS = 500;
/** Times the round trip: what is lost twice needs time for two repetitions. */
const LATENCY_LEAST_RTTS = 2.5;
const LATENCY_GOOD_RTTS = 4;
const LATENCY_STEP_MS = 50;

/** Sensible bit rates in kb/s at 30 pictures per second with H.264, by the shorter side; the last that fits counts. */
const BITRATES: readonly { lines: number; least: number; most: number }[] = [
  { lines: 0, least: 150, most: 2500 },
  { lines: 480, least: 500, most: 3500 },
  { lines: 720, least: 1000, most: 6500 },
  { lines: 1080, least: 2000, most: 9000 },
  { lines: 1440, least: 4000, most: 16_000 },
  { lines: 2160, least: 8000, most: 35_000 },
];
/** More pictures per second need more; newer codecs get by with less. */
const FAST_FACTOR = 1.4;
const FAST_FRAME_RATE = 31;
const NEW_CODEC_FACTOR = 0.6;

const OUTPUT = 'Settings → Output → Streaming';

const RULES: readonly Rule[] = [
  {
    id: 'silent', level: 'bad',
    cause: ({ health }) => {
      const silentMs = publisherOnAir(health)?.silentMs ?? 0;
      return silentMs > SILENT_MS ? `Nothing has arrived for ${Math.round(silentMs / 1000)} s, though the connection is open.` : null;
    },
    fix: 'See whether OBS hangs, and whether your upload still works.',
  },
  {
    id: 'no-video', level: 'bad',
    cause: ({ video }) => (video ? null : 'No picture arrives.'),
    fix: 'Check that a scene with a source is active in OBS.',
  },
  {
    id: 'no-audio', level: 'warn',
    cause: ({ audio }) => (audio ? null : 'No sound arrives; viewers hear silence.'),
    fix: `Check audio track 1 in OBS: ${OUTPUT}.`,
  },
  {
    id: 'mono', level: 'warn',
    cause: ({ audio }) => (audio?.channels === 1 ? 'The sound is mono.' : null),
    fix: 'Set Settings → Audio → Channels to Stereo in OBS, unless you mean it so.',
  },
  {
    id: 'keyframes-far', level: 'bad',
    cause: ({ video }) => {
      const interval = video?.keyframeIntervalS ?? 0;
      return interval > KEYFRAME_MAX_S ? `Keyframe interval is ${seconds(interval)}: viewers wait that long for the first picture.` : null;
    },
    fix: `Set 2 s in OBS: ${OUTPUT} → Keyframe Interval.`,
  },
  {
    id: 'keyframes-close', level: 'warn',
    cause: ({ video }) => {
      const interval = video?.keyframeIntervalS ?? 0;
      return interval > 0 && interval < KEYFRAME_MIN_S ? `Keyframe interval is ${seconds(interval)}: most of the bitrate goes into keyframes.` : null;
    },
    fix: `Set 2 s in OBS: ${OUTPUT} → Keyframe Interval.`,
  },
  {
    id: 'frame-rate', level: 'warn',
    cause: frameRateTrouble,
    fix: 'Choose 30 or 60 in OBS: Settings → Video → Common FPS Values. If it is set, the encoder cannot keep up: take a faster preset or a smaller output.',
  },
  {
    id: 'codec-alone', level: 'bad',
    cause: ({ health, video }) =>
      isForEveryone(video) || hasLadder(health) || health.isTest || !health.isPlayable ? null : `${formatCodec(video?.codec)} does not play in every browser, and no rungs in H.264 are made: many viewers see nothing.`,
    fix: `Choose an H.264 encoder in OBS (${OUTPUT}), or turn the ladder on in the stream info below.`,
  },
  {
    id: 'codec', level: 'warn',
    cause: ({ health, video }) => (isForEveryone(video) || !hasLadder(health) ? null : `${formatCodec(video?.codec)} does not play in every browser; those viewers get the rungs in H.264.`),
    fix: `To give everyone the source, choose an H.264 encoder in OBS: ${OUTPUT}.`,
  },
  {
    id: 'bitrate-high', level: 'warn',
    cause: ({ video }) => {
      const bounds = boundsOf(video);
      return video && bounds && video.bitrateBps > bounds.most ? `${formatBitrate(video.bitrateBps)} is more than ${linesOf(video)} lines need, and than many viewers can receive.` : null;
    },
    fix: ({ video }) => `Set at most ${kbps(boundsOf(video)?.most)} in OBS: ${OUTPUT} → Bitrate.`,
  },
  {
    id: 'bitrate-low', level: 'warn',
    cause: ({ health, video }) => {
      const bounds = boundsOf(video);
      // Browsers encode by need: a little is enough for what stands still.
      return video && bounds && health.isPlayable && !isFromBrowser(health) && video.bitrateBps < bounds.least ? `${formatBitrate(video.bitrateBps)} is little for ${linesOf(video)} lines.` : null;
    },
    fix: ({ video }) => `Unless the picture stands still, set ${kbps((boundsOf(video)?.least ?? 0) * 2)} or more in OBS: ${OUTPUT} → Bitrate; or a smaller size in Settings → Video.`,
  },
  {
    id: 'dropped', level: 'bad',
    cause: ({ samples }) => (rise(samples, 'droppedPackets') > 0 ? 'Packets were dropped in the last two minutes: damaged on the way, or more than this server can take in.' : null),
    fix: `Lower the bitrate in OBS: ${OUTPUT} → Bitrate.`,
  },
  {
    id: 'given-up', level: 'bad',
    cause: ({ samples }) => {
      const count = rise(samples, 'givenUpPackets');
      return count > 0 ? `${count.toLocaleString('en')} ${count === 1 ? 'packet was' : 'packets were'} lost for good in the last two minutes: pictures break.` : null;
    },
    fix: ({ health }) =>
      health.protocol === 'srt' ? `Give SRT more time to repeat what is lost: ${latencyWords(health)}. If that does not help, lower the bitrate.` : 'Lower the bitrate, and use a cable instead of Wi-Fi.',
  },
  {
    id: 'loss', level: 'warn',
    cause: ({ samples }) => {
      if (rise(samples, 'givenUpPackets') > 0 || rise(samples, 'receivedPackets') < PACKETS_FOR_LOSS) return null;
      const share = lossOf(samples);
      return share > HIGH_LOSS ? `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} % of the packets are lost on the way. All were repeated in time.` : null;
    },
    fix: 'Use a cable instead of Wi-Fi, or a lower bitrate, before it gets worse.',
  },
  {
    id: 'latency', level: 'warn',
    cause: ({ health }) => {
      const network = publisherOnAir(health)?.network;
      const isShort = network?.latencyMs != null && network.latencyMs < network.rttMs * LATENCY_LEAST_RTTS;
      return isShort ? `SRT’s latency of ${network.latencyMs} ms is short for a round trip of ${Math.round(network.rttMs)} ms: lost packets come too late.` : null;
    },
    fix: ({ health }) => `In the encoder’s address, ${latencyWords(health)}.`,
  },
  {
    id: 'interruptions', level: 'warn',
    cause: ({ health }) => (health.interruptions >= MANY_INTERRUPTIONS ? `The connection broke ${health.interruptions} times in this stream.` : null),
    fix: 'Use a cable instead of Wi-Fi, and a lower bitrate. A second encoder can stand by: see “Backup encoder”.',
  },
  {
    id: 'clock', level: 'warn',
    // A return after an interruption is a discontinuity as well, and no fault of the clock.
    cause: ({ samples }) =>
      rise(samples, 'discontinuities') > rise(samples, 'interruptions') ? 'The stream’s clock jumped in the last two minutes. OBS does that when a source or the computer stalls.' : null,
    fix: 'Look for a media source or a capture device that hangs, and at the CPU use in OBS: Docks → Stats.',
  },
  {
    id: 'swings', level: 'warn',
    cause: ({ samples }) => (unsteadiness(samples.map(({ bitrateBps }) => bitrateBps), SAMPLES_FOR_UNSTEADY) > BITRATE_UNSTEADY ? 'The bitrate swings.' : null),
    fix: `Choose rate control CBR in OBS (${OUTPUT}) and test your upload below; a cable is steadier than Wi-Fi.`,
  },
  {
    id: 'jitter', level: 'warn',
    cause: ({ samples }) => {
      const jitterMs = samples.length < SAMPLES_FOR_JITTER ? 0 : mean(samples.slice(-SAMPLES_FOR_JITTER).map((sample) => sample.jitterMs));
      return jitterMs > JITTER_MS ? `The stream arrives in bursts, ${Math.round(jitterMs)} ms early or late: the network is busy.` : null;
    },
    fix: 'Lower the bitrate, or turn on Settings → Advanced → Network → Dynamically change bitrate in OBS.',
  },
  {
    id: 'refused', level: 'warn',
    cause: ({ health }) => rungTrouble(health, 'refused', 'not made: this server has no room for more'),
    fix: 'Viewers with a thin line may stutter. A smaller or slower picture makes rungs cheaper; whoever runs this server can add cores.',
  },
  {
    id: 'shed', level: 'warn',
    cause: ({ health }) => rungTrouble(health, 'shed', 'given up: this server could not keep pace'),
    fix: 'The source plays on. A smaller or slower picture, Settings → Video in OBS, leaves the server more time.',
  },
  {
    id: 'lost', level: 'warn',
    cause: ({ health }) => rungTrouble(health, 'lost', 'away for a moment'),
    fix: 'They come back by themselves; the source plays on meanwhile.',
  },
];

/** What a stream from a browser needs instead: it has no OBS. */
const IN_BROWSER: Readonly<Record<string, string>> = {
  silent: 'See whether the tab that sends still runs, and whether your upload works.',
  'no-video': 'Turn the camera on or share the screen, in “Go live”.',
  'no-audio': 'Turn the microphone on in “Go live”.',
  mono: 'Turn “Take out echo and noise” off in “Go live” if you play music.',
  'keyframes-far': 'Browsers send them when the server asks; a new start of the stream asks again.',
  'keyframes-close': 'Browsers send them when packets are lost: use a cable instead of Wi-Fi.',
  'frame-rate': 'Choose a smaller picture in “Go live”: the computer does not keep up. Cameras are slower in the dark.',
  'bitrate-high': 'Choose a lower bitrate in “Go live”.',
  dropped: 'Choose a lower bitrate in “Go live”.',
  clock: 'Close what else needs the computer, and keep the tab that sends in sight.',
  swings: 'The browser follows what your upload carries: choose a lower bitrate in “Go live”; a cable is steadier than Wi-Fi.',
  jitter: 'Choose a lower bitrate in “Go live”, and stop other uploads.',
};
const BROWSER = /^(Chrome|Edge|Firefox|Safari)\b/;
const isFromBrowser = (health: SessionHealth): boolean => health.protocol === 'whip' && BROWSER.test(publisherOnAir(health)?.encoder ?? health.encoder);

const AWAITED: Advice = {
  id: 'awaited',
  level: 'bad',
  cause: 'The connection to your encoder is gone. Viewers stay, and see a picture that says so.',
  fix: 'OBS comes back by itself when Settings → Advanced → Automatically Reconnect is on. Otherwise press Start Streaming.',
};

/** What to change, the worst first. */
export function adviceFor(health: SessionHealth, all: readonly Sample[]): Advice[] {
  if (health.isWaiting) return [AWAITED];
  const samples = all.filter(({ bitrateBps }) => bitrateBps > 0);
  const look: Look = { health, video: health.video, audio: health.audio, samples };
  const found = RULES.flatMap(({ id, level, cause, fix }) => {
    const trouble = cause(look);
    const inBrowser = isFromBrowser(health) ? IN_BROWSER[id] : undefined;
    return trouble === null ? [] : [{ id, level, cause: trouble, fix: inBrowser ?? (typeof fix === 'string' ? fix : fix(look)) }];
  });
  return found.sort((a, b) => Number(b.level === 'bad') - Number(a.level === 'bad'));
}

/** OBS and FFmpeg take it in the address, in microseconds. */
function latencyWords(health: SessionHealth): string {
  const { rttMs = 0, latencyMs = 0 } = publisherOnAir(health)?.network ?? {};
  const wantedMs = Math.max(rttMs * LATENCY_GOOD_RTTS, (latencyMs ?? 0) * 2);
  return `set latency=${Math.ceil(wantedMs / LATENCY_STEP_MS) * LATENCY_STEP_MS * 1000} (in µs)`;
}

function frameRateTrouble({ video, samples }: Look): string | null {
  const rate = video?.frameRate;
  if (!rate) return null;
  const rates = samples.map(({ frameRate }) => frameRate);
  if (unsteadiness(rates, SAMPLES_FOR_UNSTEADY) > FRAME_RATE_UNSTEADY) {
    return `The frame rate varies between ${Math.round(Math.min(...rates))} and ${Math.round(Math.max(...rates))}.`;
  }
  if (rate < LOW_FRAME_RATE) return `Only ${Math.round(rate)} pictures per second arrive.`;
  return USUAL_FRAME_RATES.some((usual) => Math.abs(usual - rate) <= FRAME_RATE_SLACK) ? null : `${rate.toFixed(1)} pictures per second is an unusual frame rate: it judders on screens.`;
}

function rungTrouble({ rungs }: SessionHealth, state: RungHealth['state'], what: string): string | null {
  const names = rungs.filter((rung) => rung.state === state).map(({ name }) => name);
  if (names.length === 0) return null;
  return `${names.length === 1 ? 'The rung' : 'The rungs'} ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} ${what}.`;
}

const isForEveryone = (video: TrackHealth | null): boolean => video === null || /^avc[13]/.test(video.codec);
const hasLadder = ({ rungs }: SessionHealth): boolean => rungs.some(({ state }) => state === 'running' || state === 'starting' || state === 'lost');
const linesOf = (video: TrackHealth): number => Math.min(video.width ?? 0, video.height ?? 0);

function boundsOf(video: TrackHealth | null): { least: number; most: number } | null {
  if (!video?.height) return null;
  const { least, most } = BITRATES.findLast(({ lines }) => linesOf(video) >= lines) ?? BITRATES[0]!;
  const factor = (video.frameRate ?? 0) > FAST_FRAME_RATE ? FAST_FACTOR : 1;
  return { least: least * 1000 * (isForEveryone(video) ? 1 : NEW_CODEC_FACTOR), most: most * 1000 * factor };
}

const seconds = (value: number): string => `${value.toFixed(value % 1 < 0.05 ? 0 : 1)} s`;
const kbps = (bps: number | undefined): string => `${Math.round((bps ?? 0) / 100_000) * 100} kb/s`;
