/**
 * What we ask of the browser's encoders through session descriptions (RFC 8866, RFC 6184, RFC 7587).
 *
 * Some wishes have no other way in: Opus is mono unless the answer says `stereo=1`, and Chromium begins at 300 kb/s
 * and takes half a minute to rise unless the answer names where to begin.
 */

/** As the server is to decode it without a decoder: H.264 alone, packetization mode 1 before mode 0, and retransmission. Empty: it has none. */
export function preferH264(codecs: readonly RTCRtpCodec[]): RTCRtpCodec[] {
  const h264 = codecs.filter(({ mimeType }) => /^video\/h264$/i.test(mimeType));
  const isSplit = ({ sdpFmtpLine = '' }: RTCRtpCodec) => /packetization-mode=1/.test(sdpFmtpLine);
  const rtx = codecs.filter(({ mimeType }) => /^video\/rtx$/i.test(mimeType));
  return h264.length === 0 ? [] : [...h264.filter(isSplit), ...h264.filter((codec) => !isSplit(codec)), ...rtx];
}

export interface Wishes {
  videoBps: number;
  audioBps: number;
}

/** Of the wanted bit rate, where to begin: a line that carries half of it shows a good picture at once. */
const START_SHARE = 0.6;

/** Return the server's answer with our wishes in it: they go to the browser's encoder only. */
export function tuneAnswer(answer: string, { videoBps, audioBps }: Wishes): string {
  const start = Math.round((videoBps * START_SHARE) / 1000);
  const most = Math.round(videoBps / 1000);
  const wishes: [RegExp, string][] = [
    [/^H264\/90000/i, `x-google-start-bitrate=${start};x-google-max-bitrate=${most}`],
    [/^opus\/48000/i, `stereo=1;maxaveragebitrate=${audioBps};usedtx=0`],
  ];
  const lines = answer.split(/\r\n|\n/);
  for (const [name, wish] of wishes) {
    for (const type of payloadTypes(lines, name)) add(lines, type, wish);
  }
  return lines.join('\r\n');
}

function payloadTypes(lines: readonly string[], name: RegExp): string[] {
  return lines.flatMap((line) => {
    const [, type, codec] = /^a=rtpmap:(\d+) (.+)$/.exec(line) ?? [];
    return type && codec && name.test(codec) ? [type] : [];
  });
}

function add(lines: string[], type: string, wish: string): void {
  const format = lines.findIndex((line) => line.startsWith(`a=fmtp:${type} `));
  if (format >= 0) lines[format] = `${lines[format]};${wish}`;
  else lines.splice(lines.findIndex((line) => line.startsWith(`a=rtpmap:${type} `)) + 1, 0, `a=fmtp:${type} ${wish}`);
}

/** The body of a PATCH with candidates that were found after the offer had gone (RFC 8840, RFC 9725 section 4.3.1). */
export function candidateFragment(offer: string, candidates: readonly RTCIceCandidate[], isEnd: boolean): string {
  const value = (name: string) => new RegExp(`^a=${name}:(.*)$`, 'm').exec(offer)?.[1]?.trim() ?? '';
  const media = /^m=.*$/m.exec(offer)?.[0].trim() ?? '';
  return [
    `a=ice-ufrag:${value('ice-ufrag')}`, `a=ice-pwd:${value('ice-pwd')}`, media, `a=mid:${value('mid')}`,
    ...candidates.map(({ candidate }) => `a=${candidate}`), ...(isEnd ? ['a=end-of-candidates'] : []), '',
  ].join('\r\n');
}

/** The STUN and TURN servers that `Link` headers name (RFC 9725 section 4.6). */
export function iceServers(link: string | null): RTCIceServer[] {
  return (link ?? '').split(/,\s*(?=<)/).flatMap((text) => {
    const [, urls] = /^<([^>]+)>/.exec(text) ?? [];
    const value = (name: string) => new RegExp(`;\\s*${name}="?([^";]*)"?`, 'i').exec(text)?.[1];
    if (!urls || value('rel') !== 'ice-server') return [];
    const username = value('username');
    const credential = value('credential');
    return [{ urls, ...(username && { username }), ...(credential && { credential }) }];
  });
}
