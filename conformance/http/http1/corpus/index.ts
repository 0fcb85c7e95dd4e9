/** Malformed, ambiguous and odd requests of HTTP/1, written for this project: one file a subject. */
import type { Case } from '../case.ts';
import { chunks } from './chunks.ts';
import { connections } from './connections.ts';
import { framing } from './framing.ts';
import { lines } from './lines.ts';

export const HTTP1_CORPUS: readonly Case[] = [...framing, ...chunks, ...lines, ...connections];
