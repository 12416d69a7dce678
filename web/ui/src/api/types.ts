/** The API's shapes under the names the pages use; all of them come from the generated `schema.ts`. */

import type { components } from './schema';

type Schemas = components['schemas'];

export type Ack = Schemas['Ack'];
export type Act = Schemas['Act'];
export type Badge = Schemas['Badge'];
export type Ban = Schemas['Ban'];
export type BanShare = Schemas['BanShare'];
export type Bot = Schemas['Bot'];
export type Channel = Schemas['Channel'];
export type Chapter = Schemas['Chapter'];
export type ChatMessage = Schemas['ChatMessage'];
export type ChatSettings = Schemas['ChatSettings'];
export type Chatters = Schemas['Chatters'];
export type ClientMessage = Schemas['ClientMessage'];
export type Clip = Schemas['Clip'];
export type CreateBot = Schemas['CreateBot'];
export type CreateChannel = Schemas['CreateChannel'];
export type CreateClip = Schemas['CreateClip'];
export type CreateRestream = Schemas['CreateRestream'];
export type CreateToken = Schemas['CreateToken'];
export type Emote = Schemas['Emote'];
export type EmoteGroup = Schemas['EmoteGroup'];
export type EmotePosition = Schemas['EmotePosition'];
export type ErrorBody = Schemas['ErrorBody'];
export type ErrorCode = Schemas['ErrorCode'];
export type Follow = Schemas['Follow'];
export type GoneOffline = Schemas['GoneOffline'];
export type HeldMessage = Schemas['HeldMessage'];
export type HistoryMessage = Schemas['HistoryMessage'];
export type IngestState = Schemas['IngestState'];
export type JobState = Schemas['JobState'];
export type Join = Schemas['Join'];
export type Joined = Schemas['Joined'];
export type LastEnd = Schemas['LastEnd'];
export type Login = Schemas['Login'];
export type Me = Schemas['Me'];
export type Mention = Schemas['Mention'];
export type NetworkHealth = Schemas['NetworkHealth'];
export type OwnedChannel = Schemas['OwnedChannel'];
export type Page = Schemas['Page'];
export type PastMessage = Schemas['PastMessage'];
export type PatchChannel = Schemas['PatchChannel'];
export type PatchChatSettings = Schemas['PatchChatSettings'];
export type PatchMe = Schemas['PatchMe'];
export type PatchRestream = Schemas['PatchRestream'];
export type PatchVod = Schemas['PatchVod'];
export type Pinned = Schemas['Pinned'];
export type Playback = Schemas['Playback'];
export type PublisherHealth = Schemas['PublisherHealth'];
export type PublishTicket = Schemas['PublishTicket'];
export type PublishUrls = Schemas['PublishUrls'];
export type Pull = Schemas['Pull'];
export type PullInfo = Schemas['PullInfo'];
export type PutPull = Schemas['PutPull'];
export type Raid = Schemas['Raid'];
export type Register = Schemas['Register'];
export type Registered = Schemas['Registered'];
export type ReplayMessage = Schemas['ReplayMessage'];
export type ReplyTo = Schemas['ReplyTo'];
export type Report = Schemas['Report'];
export type Restream = Schemas['Restream'];
export type RoleHolder = Schemas['RoleHolder'];
export type RungHealth = Schemas['RungHealth'];
export type SendMessage = Schemas['SendMessage'];
export type ServerMessage = Schemas['ServerMessage'];
export type Session = Schemas['Session'];
export type SessionHealth = Schemas['SessionHealth'];
export type Share = Schemas['Share'];
export type StreamKey = Schemas['StreamKey'];
export type StreamKeyInfo = Schemas['StreamKeyInfo'];
export type Token = Schemas['Token'];
export type TrackHealth = Schemas['TrackHealth'];
export type TranscoderHealth = Schemas['TranscoderHealth'];
export type UsableEmotes = Schemas['UsableEmotes'];
export type User = Schemas['User'];
export type UserCard = Schemas['UserCard'];
export type UserHistory = Schemas['UserHistory'];
export type Vod = Schemas['Vod'];
export type You = Schemas['You'];

/** Who may watch, and what somebody lacks who may not. */
export type Visibility = Channel['visibility'] & string;
export type WhyNot = Exclude<Vod['whyNot'], null>;

/** How a channel's streams are kept and who may watch them. */
export type KeepRules = Required<Pick<Channel, 'visibility' | 'vodVisibility' | 'recording' | 'keepDays' | 'keepGb'>>;

export type BadgeType = Badge['type'];
export type AnnouncementColor = Schemas['Announcement']['color'];

/** The part of `ServerMessage` that speaks of one channel. */
export type ChannelMessage = Extract<ServerMessage, { channelId: string }>;
