/** The shapes of recordings, clips, playback and follows. */

export type Visibility = 'public' | 'followers' | 'subscribers' | 'private';
export type WhyNot = Exclude<Visibility, 'public'>;

export interface Playback {
  visibility: Visibility;
  whyNot: WhyNot | null;
  playlistUrl: string | null;
  rewindUrl: string | null;
  storyboardUrl: string | null;
  rewindFrom: string | null;
  expiresAt: string | null;
  vodId: string | null;
}

export interface Chapter {
  startMs: number;
  title: string;
}

export interface Vod {
  id: string;
  channelId: string;
  channelName: string;
  channelDisplayName: string;
  sessionId: string;
  title: string;
  state: 'recording' | 'ready';
  visibility: Visibility;
  whyNot: WhyNot | null;
  startedAt: string;
  durationMs: number;
  sizeBytes: number;
  thumbnailUrl: string;
  storyboardUrl: string | null;
  playlistUrl: string | null;
  downloadUrl: string | null;
  expiresAt: string | null;
  chapters: Chapter[];
  hasGaps: boolean;
  deletesAt: string | null;
}

export interface Clip {
  id: string;
  channelId: string;
  channelName: string;
  channelDisplayName: string;
  vodId: string | null;
  creatorName: string;
  title: string;
  state: 'cutting' | 'ready' | 'rough';
  visibility: Visibility;
  whyNot: WhyNot | null;
  startMs: number;
  durationMs: number;
  createdAt: string;
  thumbnailUrl: string;
  playlistUrl: string | null;
  mp4Url: string | null;
  pageUrl: string;
  expiresAt: string | null;
  hasGaps: boolean;
}

export interface Share {
  pageUrl: string;
  playlistUrl: string;
  expiresAt: string;
}

export interface Follow {
  userId: string;
  channelId: string;
  channelName: string;
  channelDisplayName: string;
  followedAt: string;
}

export interface CreateClip {
  startMs: number;
  endMs: number;
  channelId?: string;
  vodId?: string;
  title?: string;
}

export interface PatchVideo {
  title?: string;
  visibility?: Visibility;
}

/** How a channel's streams are kept and who may watch them. */
export interface KeepRules {
  visibility: Visibility;
  vodVisibility: Visibility;
  recording: boolean;
  keepDays: number | null;
  keepGb: number | null;
}
