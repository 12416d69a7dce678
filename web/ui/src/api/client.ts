/**
 * Requests to /api: same-origin cookies, the envelope, and `ApiError` for every failure.
 * There is no token in reach of scripts: the session is an HttpOnly cookie.
 */

import { ApiError, type ApiErrorCode } from './errors';
import type {
  Channel, Clip, CreateChannel, CreateClip, CreateRestream, ErrorBody, Follow, GoneOffline, IngestState, Login, Me, Page, PatchChannel,
  PatchRestream, PatchVod, Playback, PublishTicket, PullInfo, PutPull, Register, Registered, Restream, Session, Share, StreamKey, StreamKeyInfo, Vod,
} from './types';

/** A request without an answer after this long has failed. */
const DEADLINE_MS = 15_000;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Envelope {
  success: boolean;
  data?: unknown;
  page?: Page;
  error?: ErrorBody;
}

/** Send one request and return its envelope, or throw `ApiError` (or the `AbortError` of `signal`). */
async function send(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<Envelope> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`/api/${path}`, {
      method,
      credentials: 'same-origin',
      ...bodyOf(body),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    const why = deadline.aborted ? 'The server did not answer in time.' : 'The server cannot be reached. Check your connection.';
    throw new ApiError('NETWORK', why, 0);
  }
  const envelope = parse(text);
  if (response.ok && envelope?.success) return envelope;
  throw failure(response, envelope);
}

/** A form goes as it is (the browser names its boundary), everything else as JSON. */
function bodyOf(body: unknown): Pick<RequestInit, 'headers' | 'body'> {
  if (body === undefined || body instanceof FormData) return { headers: { Accept: 'application/json' }, body: body ?? null };
  return { headers: { Accept: 'application/json', 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

function parse(text: string): Envelope | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'success' in value ? (value as Envelope) : null;
  } catch {
    return null; // not JSON: an intermediary answered; `failure` says so
  }
}

function failure(response: Response, envelope: Envelope | null): ApiError {
  const body = envelope?.error;
  if (body) {
    return new ApiError(body.code, body.message, response.status, body.fields ?? {}, body.retryAfterMs ?? retryAfter(response));
  }
  return new ApiError(codeOf(response.status), sentenceOf(response.status), response.status, {}, retryAfter(response));
}

function codeOf(status: number): ApiErrorCode {
  if (status === 401) return 'UNAUTHORIZED';
  if (status === 403) return 'FORBIDDEN';
  if (status === 404) return 'NOT_FOUND';
  if (status === 413) return 'PAYLOAD_TOO_LARGE';
  if (status === 429) return 'RATE_LIMITED';
  if (status === 502 || status === 503 || status === 504) return 'UNAVAILABLE';
  return 'BAD_ANSWER';
}

function sentenceOf(status: number): string {
  if (status === 429) return 'Too many requests. Wait a moment.';
  if (status >= 500) return `The server is not ready (${status}). Try again in a moment.`;
  return `The server gave an answer that this page does not understand (${status}).`;
}

/** `Retry-After` in milliseconds; only its form in seconds is used by proxies we know. */
function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('Retry-After') ?? 'none');
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

/** The answer's data. */
export async function data<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return (await send(method, path, body, signal)).data as T;
}

/** A name or an id within a path. */
export const part = encodeURIComponent;

export interface ChannelPage {
  channels: Channel[];
  cursor: string | null;
}

/** One page of a list, and where the next one begins. */
export interface Listed<T> {
  items: T[];
  cursor: string | null;
}

export async function list<T>(path: string, query: Record<string, string | null | undefined>, signal?: AbortSignal): Promise<Listed<T>> {
  const envelope = await send('GET', `${path}${queryOf(query)}`, undefined, signal);
  return { items: envelope.data as T[], cursor: envelope.page?.cursor ?? null };
}

export function queryOf(values: Record<string, string | null | undefined>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return given.length > 0 ? `?${new URLSearchParams(given)}` : '';
}

/** Nobody follows more than a thousand channels by hand. */
const FOLLOW_PAGES_MAX = 10;

/** What can be shared by a signed address. */
export type Shareable = 'channels' | 'vods' | 'clips';

export const api = {
  me: (signal?: AbortSignal) => data<Me>('GET', 'me', undefined, signal),
  login: (body: Login) => data<Session>('POST', 'auth/login', body),
  register: (body: Register) => data<Registered>('POST', 'auth/register', body),
  logout: () => data<unknown>('POST', 'auth/logout'),
  channels: async (filter: { live?: boolean; cursor?: string | null }, signal?: AbortSignal): Promise<ChannelPage> => {
    const query = new URLSearchParams();
    if (filter.live !== undefined) query.set('live', String(filter.live));
    if (filter.cursor) query.set('cursor', filter.cursor);
    const envelope = await send('GET', `channels?${query}`, undefined, signal);
    return { channels: envelope.data as Channel[], cursor: envelope.page?.cursor ?? null };
  },
  channel: (name: string, signal?: AbortSignal) => data<Channel>('GET', `channels/${part(name)}`, undefined, signal),
  createChannel: (body: CreateChannel) => data<Channel>('POST', 'channels', body),
  patchChannel: (id: string, body: PatchChannel) => data<Channel>('PATCH', `channels/${part(id)}`, body),
  streamKey: (id: string, signal?: AbortSignal) => data<StreamKeyInfo>('GET', `channels/${part(id)}/stream-key`, undefined, signal),
  rotateStreamKey: (id: string) => data<StreamKey>('POST', `channels/${part(id)}/stream-key`),
  publishTicket: (id: string) => data<PublishTicket>('POST', `channels/${part(id)}/publish-ticket`),
  pull: (id: string, signal?: AbortSignal) => data<PullInfo>('GET', `channels/${part(id)}/pull`, undefined, signal),
  putPull: (id: string, body: PutPull) => data<PullInfo>('PUT', `channels/${part(id)}/pull`, body),
  deletePull: (id: string) => data<unknown>('DELETE', `channels/${part(id)}/pull`),
  restreams: async (id: string, signal?: AbortSignal) => (await list<Restream>(`channels/${part(id)}/restreams`, {}, signal)).items,
  createRestream: (id: string, body: CreateRestream) => data<Restream>('POST', `channels/${part(id)}/restreams`, body),
  patchRestream: (id: string, body: PatchRestream) => data<Restream>('PATCH', `restreams/${part(id)}`, body),
  deleteRestream: (id: string) => data<unknown>('DELETE', `restreams/${part(id)}`),
  ingest: (id: string, signal?: AbortSignal) => data<IngestState>('GET', `channels/${part(id)}/ingest`, undefined, signal),
  goOffline: (id: string) => data<GoneOffline>('POST', `channels/${part(id)}/go-offline`),
  playback: (name: string, key?: string, signal?: AbortSignal) => data<Playback>('GET', `channels/${part(name)}/playback${queryOf({ key })}`, undefined, signal),
  vods: (filter: { channel?: string; cursor?: string | null; limit?: string }, signal?: AbortSignal) => list<Vod>('vods', filter, signal),
  vod: (id: string, key?: string, signal?: AbortSignal) => data<Vod>('GET', `vods/${part(id)}${queryOf({ key })}`, undefined, signal),
  patchVod: (id: string, body: PatchVod) => data<Vod>('PATCH', `vods/${part(id)}`, body),
  deleteVod: (id: string) => data<unknown>('DELETE', `vods/${part(id)}`),
  clips: (filter: { channel?: string; vod?: string; cursor?: string | null }, signal?: AbortSignal) => list<Clip>('clips', filter, signal),
  clip: (id: string, key?: string, signal?: AbortSignal) => data<Clip>('GET', `clips/${part(id)}${queryOf({ key })}`, undefined, signal),
  createClip: (body: CreateClip) => data<Clip>('POST', 'clips', body),
  patchClip: (id: string, body: PatchVod) => data<Clip>('PATCH', `clips/${part(id)}`, body),
  deleteClip: (id: string) => data<unknown>('DELETE', `clips/${part(id)}`),
  share: (what: Shareable, id: string, expiresInS: number) => data<Share>('POST', `${what}/${part(id)}/share`, { expiresInS }),
  follows: async (signal?: AbortSignal): Promise<Follow[]> => {
    const all: Follow[] = [];
    for (let cursor: string | null = null, page = 0; page === 0 || (cursor && page < FOLLOW_PAGES_MAX); page++) {
      const { items, cursor: next }: Listed<Follow> = await list<Follow>('follows', { cursor, limit: '100' }, signal);
      all.push(...items);
      cursor = next;
    }
    return all;
  },
  follow: (channelId: string) => data<Follow>('POST', `follows/${part(channelId)}`),
  unfollow: (channelId: string) => data<unknown>('DELETE', `follows/${part(channelId)}`),
};
