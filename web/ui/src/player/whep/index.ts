/** The chunk that speaks WebRTC (WHEP, draft-ietf-wish-whep); only who wants the lowest latency loads it. */

export { WhepDelivery } from './delivery';
export { WhepSession } from './session';
export { whyOf } from './why';
