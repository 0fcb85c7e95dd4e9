/** The ServiceProfile validator: a webhook that refuses profiles which no proxy could follow. */
export { runSpValidator } from './main.ts';
export { reviewProfile } from './review.ts';
