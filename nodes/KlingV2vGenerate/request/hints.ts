import type { Hint } from '../../shared/wait/record';
import type { References } from '../../shared/providers';
import type { ItemRequest } from './itemRequest';

/** @returns a message for each thing in the requests that is about to cost the user money or time */
export function hintsFor(requests: ItemRequest[]): Hint[] {
	return [...unnamedVideo(requests), ...lackingReferences(requests), ...notSent(requests)];
}

function unnamedVideo(requests: ItemRequest[]): Hint[] {
	const { length } = requests.filter(({ request }) => lacksReference(promptOf(request)));
	if (length === 0) return [];
	const prompts = length === 1 ? 'A prompt does' : `${length} prompts do`;
	const message = `${prompts} not mention @Video1, so Kling may not use the reference video as you mean. Write @Video1 where you mean it`;
	return [{ message, type: 'info' }];
}

function lackingReferences(requests: ItemRequest[]): Hint[] {
	const lacking = requests.flatMap(({ request }) =>
		missing(promptOf(request), request.provider.references(request.body)),
	);
	if (lacking.length === 0) return [];
	const message = `A prompt mentions ${[...new Set(lacking)].join(', ')}, which its request does not hold, so Kling may make something else than you mean`;
	return [{ message, type: 'warning' }];
}

function notSent(requests: ItemRequest[]): Hint[] {
	if (!requests.some(({ options }) => options.validateOnly)) return [];
	const message = 'Validate Only is on: of these items nothing was sent, and nothing billed';
	return [{ message, type: 'info' }];
}

const MENTION = /(?<!\w)@(Video|Image|Element)(\d+)\b|<<<(video|image|element)_(\d+)>>>/gi;

/** @returns the prompt, which each API calls by a name of its own */
function promptOf({ provider, body }: ItemRequest['request']): unknown {
	return body[provider.parameters.prompt.routing.send.property];
}

/** @returns whether the reference video is not mentioned in a prompt that says something */
function lacksReference(prompt: unknown): boolean {
	return typeof prompt === 'string' && !/@Video1\b|<<<video_1>>>/i.test(prompt);
}

/**
 * What a prompt mentions and its request lacks, as where n8n has dropped an expression for a whole
 * list of elements: the video would be made, and billed, without them. Kling's own form is `<<<element_1>>>`.
 * @returns the mentions as they are written
 */
function missing(prompt: unknown, held: References): string[] {
	const mentions = typeof prompt === 'string' ? prompt.matchAll(MENTION) : [];
	return [...mentions].flatMap(([mention, short, shortNumber, long, longNumber]) => {
		const [kind, number] = [short ?? long, shortNumber ?? longNumber];
		const count = held[kind.toLowerCase() as keyof References];
		return Number(number) >= 1 && Number(number) <= count ? [] : [mention];
	});
}
