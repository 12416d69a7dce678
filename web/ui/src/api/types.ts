/** The API's shapes under the names the pages use; all of them come from the generated `schema.ts`. */

import type { components } from './schema';

type Schemas = components['schemas'];

export type Channel = Schemas['Channel'];
export type Chapter = Schemas['Chapter'];
export type ClientMessage = Schemas['ClientMessage'];
export type Clip = Schemas['Clip'];
export type CreateChannel = Schemas['CreateChannel'];
export type CreateClip = Schemas['CreateClip'];
export type ErrorBody = Schemas['ErrorBody'];
export type ErrorCode = Schemas['ErrorCode'];
export type Follow = Schemas['Follow'];
export type GoneOffline = Schemas['GoneOffline'];
export type IngestState = Schemas['IngestState'];
export type Joined = Schemas['Joined'];
export type LastEnd = Schemas['LastEnd'];
export type Login = Schemas['Login'];
export type Me = Schemas['Me'];
export type NetworkHealth = Schemas['NetworkHealth'];
export type OwnedChannel = Schemas['OwnedChannel'];
export type Page = Schemas['Page'];
export type PatchChannel = Schemas['PatchChannel'];
export type PatchVod = Schemas['PatchVod'];
export type Playback = Schemas['Playback'];
export type PublishUrls = Schemas['PublishUrls'];
export type PublisherHealth = Schemas['PublisherHealth'];
export type Register = Schemas['Register'];
export type Registered = Schemas['Registered'];
export type RungHealth = Schemas['RungHealth'];
export type ServerMessage = Schemas['ServerMessage'];
export type Session = Schemas['Session'];
export type SessionHealth = Schemas['SessionHealth'];
export type Share = Schemas['Share'];
export type StreamKey = Schemas['StreamKey'];
export type StreamKeyInfo = Schemas['StreamKeyInfo'];
export type TrackHealth = Schemas['TrackHealth'];
export type TranscoderHealth = Schemas['TranscoderHealth'];
export type User = Schemas['User'];
export type Vod = Schemas['Vod'];

/** Who may watch, and what somebody lacks who may not. */
export type Visibility = Channel['visibility'] & string;
export type WhyNot = Exclude<Vod['whyNot'], null>;

/** How a channel's streams are kept and who may watch them. */
export type KeepRules = Required<Pick<Channel, 'visibility' | 'vodVisibility' | 'recording' | 'keepDays' | 'keepGb'>>;

/** The part of `ServerMessage` that speaks of one channel. */
export type ChannelMessage = Extract<ServerMessage, { channelId: string }>;

// Not in the generated document yet: as schemas/api.py has them.
export interface PublishTicket { ticket: string; expiresAt: string }
export interface JobState { state: 'idle' | 'connecting' | 'running' | 'waiting'; reason: string; since: string | null; retryAt: string | null; bitrateBps: number; sentBytes: number; failures: number }
export interface Pull { channelId: string; url: string; isEnabled: boolean; createdAt: string; state: JobState }
export interface PullInfo { pull: Pull | null; mayPull: boolean }
export interface PutPull { url?: string; isEnabled?: boolean }
export interface Restream { id: string; channelId: string; name: string; url: string; hasKey: boolean; isEnabled: boolean; createdAt: string; state: JobState }
export interface CreateRestream { name: string; url: string; key?: string; isEnabled?: boolean }
export interface PatchRestream { name?: string; url?: string; key?: string; isEnabled?: boolean }
