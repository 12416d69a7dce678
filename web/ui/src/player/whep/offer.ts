/** What the browser offers: H.264, which is all that streams here are made of, and Opus in stereo. */

/** How a codec is looked at: as `RTCRtpReceiver.getCapabilities` lists it. */
type Codec = Pick<RTCRtpCodec, 'mimeType' | 'sdpFmtpLine'>;

/** What mends losses of whatever codec is used. */
const MENDING = /^video\/(rtx|red|ulpfec|flexfec-03)$/i;

/**
 * H.264 before what mends it, and nothing else: a server that answered with VP8 could not send it. Packets may hold
 * parts of pictures (packetization-mode 1) before those that may not; otherwise in the browser's own order, which on
 * an iPhone begins with what it decodes in hardware. Empty where the browser has none.
 */
export function preferH264<C extends Codec>(codecs: readonly C[]): C[] {
  const h264 = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === 'video/h264');
  if (h264.length === 0) return [];
  const cuts = (codec: C) => /packetization-mode=1/.test(codec.sdpFmtpLine ?? '');
  return [...h264.filter(cuts), ...h264.filter((codec) => !cuts(codec)), ...codecs.filter(({ mimeType }) => MENDING.test(mimeType))];
}

/**
 * Opus is decoded as mono unless the receiver's own description asks for two channels (RFC 7587, section 6.1), and what
 * of it is lost is asked for again only where the description says so (RFC 4585, section 4.2): browsers never offer that.
 */
export function withBetterSound(sdp: string): string {
  const payload = /^a=rtpmap:(\d+) opus\/48000/im.exec(sdp)?.[1];
  if (payload === undefined) return sdp;
  const stereo = sdp.replace(new RegExp(`^a=fmtp:${payload} (?!.*\\bstereo=)[^\\r\\n]*`, 'm'), (line) => `${line};stereo=1`);
  if (new RegExp(`^a=rtcp-fb:(${payload}|\\*) nack\\r?$`, 'm').test(stereo)) return stereo;
  return stereo.replace(new RegExp(`^a=rtpmap:${payload} [^\\r\\n]*`, 'm'), (line) => `${line}\r\na=rtcp-fb:${payload} nack`);
}
