/** Inputs that a user may type, or another service may hand over, and that look like anything but an input. */

/** Stands in every query: nothing that is shown may hold it. */
export const TYPED_SECRET = 'Zm9vYmFyLXRva2Vu';

export interface TypedInput {
	name: string;
	/** The query of the reference video's link. */
	query: string;
	prompt: string;
}

const signed = `X-Amz-Signature=${TYPED_SECRET}`;
const input = (name: string, query: string, prompt = '@Video1'): TypedInput => ({
	name,
	query: `${query}&${signed}`,
	prompt,
});

export const typedInputs: TypedInput[] = [
	input('a signed link', 'v=1'),
	input('the status of a creation as JSON', 'x=%22status%22%3A%22CREATED%22'),
	input(
		'the other status of a creation',
		'x=%22task_info%22%3A%7B%22status%22%3A%22pending%22',
		'@Video1 "status":"CREATED","status":"pending"',
	),
	input(
		'a whole answer with another task ID',
		'x=%7B%22data%22%3A%7B%22task_id%22%3A%22aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee%22%7D%7D',
		'@Video1 {"data":{"task_id":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","status":"COMPLETED"}}',
	),
	input('the digits of an ID', 'x=0123456789-0123456789-abcdef', '@Video1 0123456789abcdef'),
	input('one quote', 'x=%22', '@Video1 "'),
	input('one backslash', 'x=%5C', '@Video1 \\'),
	input('a lone surrogate', 'x=%ED%A0%80', '@Video1 \ud800'),
	input('a NUL', 'x=%00', '@Video1 \u0000'),
	input('single letters as values', 'a=a&e=e&s=s&t=t&c=c', 'a @Video1 e'),
	input(
		'a prompt that is a link',
		'v=2',
		`https://user:${TYPED_SECRET}@example.com/@Video1?token=${TYPED_SECRET}`,
	),
	input(
		'__proto__ as a name',
		'__proto__=__proto__&constructor=1',
		'@Video1 {"__proto__":{"a":1}}',
	),
];
