/** One error for everything that can go wrong between a page and the API. */

import type { ErrorCode } from './types';

/** `NETWORK`: no answer came. `BAD_ANSWER`: an answer came that is not ours (a proxy's error page, half a body). */
export type ApiErrorCode = ErrorCode | 'NETWORK' | 'BAD_ANSWER';

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly code: ApiErrorCode,
    message: string,
    /** HTTP status; 0 when there was no answer. */
    readonly status: number,
    /** Field name to reason, for INVALID_REQUEST. */
    readonly fields: Readonly<Record<string, string>> = {},
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }

  /** The request itself is at fault: sending it again cannot help. */
  get isRefusal(): boolean {
    return this.status >= 400 && this.status < 500;
  }
}

/** Return the sentence a person may read, whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  return 'Something went wrong in this page. Try again, or reload it.';
}
