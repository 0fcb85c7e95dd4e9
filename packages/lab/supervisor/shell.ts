/** One word of a shell command. */
export const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
