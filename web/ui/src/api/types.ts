/** The API's shapes under the names the pages use; all of them come from the generated `schema.ts`. */

import type { KeepRules } from './media';
import type { components } from './schema';

export type { Chapter, Clip, CreateClip, Follow, KeepRules, PatchVideo, Playback, Share, Visibility, Vod, WhyNot } from './media';

type Schemas = components['schemas'];

export type Channel = Schemas['Channel'] & KeepRules;
export type ClientMessage = Schemas['ClientMessage'];
export type CreateChannel = Schemas['CreateChannel'];
export type ErrorBody = Schemas['ErrorBody'];
export type ErrorCode = Schemas['ErrorCode'];
export type GoneOffline = Schemas['GoneOffline'];
export type IngestState = Schemas['IngestState'];
export type Joined = Schemas['Joined'];
export type LastEnd = Schemas['LastEnd'];
export type Login = Schemas['Login'];
export type Me = Schemas['Me'];
export type OwnedChannel = Schemas['OwnedChannel'];
export type Page = Schemas['Page'];
export type PatchChannel = Schemas['PatchChannel'] & Partial<KeepRules>;
export type PublisherHealth = Schemas['PublisherHealth'];
export type PublishUrls = Schemas['PublishUrls'];
export type Register = Schemas['Register'];
export type Registered = Schemas['Registered'];
export type RungHealth = Schemas['RungHealth'];
export type ServerMessage = Schemas['ServerMessage'];
export type Session = Schemas['Session'];
export type SessionHealth = Schemas['SessionHealth'];
export type StreamKey = Schemas['StreamKey'];
export type StreamKeyInfo = Schemas['StreamKeyInfo'];
export type TrackHealth = Schemas['TrackHealth'];
export type TranscoderHealth = Schemas['TranscoderHealth'];
export type User = Schemas['User'];

/** The part of `ServerMessage` that speaks of one channel. */
export type ChannelMessage = Extract<ServerMessage, { channelId: string }>;
