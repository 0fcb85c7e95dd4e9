/** Malformed, ambiguous and odd requests of HTTP/2, written for this project: what messages say, and how frames carry them. */
import type { Case } from '../case.ts';
import { framing } from './framing.ts';
import { messages } from './messages.ts';

export const HTTP2_CORPUS: readonly Case[] = [...messages, ...framing];
