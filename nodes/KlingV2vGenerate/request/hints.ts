import type { References } from '../../shared/providers';

/** @returns whether the reference video is not mentioned in a prompt that says something */
export function lacksReference(prompt: unknown): boolean {
	return typeof prompt === 'string' && !/@Video1\b/i.test(prompt);
}

/**
 * What a prompt mentions and its request lacks, as where n8n has dropped an expression for a whole
 * list of elements: the video would be made, and billed, without them.
 * @returns the mentions as they are written
 */
export function missing(prompt: unknown, held: References): string[] {
	const mentions =
		typeof prompt === 'string' ? prompt.matchAll(/(?<!\w)@(Video|Image|Element)(\d+)\b/gi) : [];
	return [...mentions].flatMap(([mention, kind, number]) => {
		const count = held[kind.toLowerCase() as keyof References];
		return Number(number) >= 1 && Number(number) <= count ? [] : [mention];
	});
}
