/**
 * Texts that users type, or that come with an item. Each stands in a prompt, in the query of a link, and as a name in the
 * item's JSON, and may meet an answer, a log, a shown text or a key of an object there.
 */
export const INPUTS = [
	'plain',
	'"status":"CREATED"',
	'{"data":{"task_id":"00000000-dead-4000-8000-000000000000","status":"CREATED"}}',
	'},{"data":{"task_id":"x"}}',
	'pending',
	'COMPLETED',
	'200',
	'1303',
	"'",
	'"',
	'\\',
	'\\"',
	'\ud800',
	'\udfff\ud800',
	'\u0000',
	'\u2028\r\n',
	'https://a.example/b?token=0123456789abcdef0123',
	'https://user:0123456789abcdef0123@a.example/b#0123456789abcdef0123',
	'__proto__',
	'constructor',
	'toString',
	'task_id',
	'%E0%A4%A',
	'%00',
	'{{ $json }}',
	'[round 9 9]',
	'a'.repeat(400),
	// Refused, as no prompt may be so long.
	'b'.repeat(200_000),
];

/** The index of the text that is rare, as it takes time. */
export const HUGE = INPUTS.length - 1;
