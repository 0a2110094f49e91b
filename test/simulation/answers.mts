import type { Body } from './scenario.mts';

/** Texts that nothing may show. */
export const SECRETS = {
	apiKey: 'sk-simulated-key-0123456789abcdef',
	webhookSecret: 'whsec-simulated-secret-0123456789',
	linkToken: 'reference-link-token-0123456789abcdef',
	password: 'user-password-0123456789',
	resumeToken: 'resume-token-0123456789abcdef0123456789abcdef',
};

/** As n8n's request helper gives it back. */
export interface Answer {
	statusCode: number;
	headers: Record<string, unknown>;
	body: unknown;
}

/** @param retryAfter seconds; 0 for none */
export function answer(statusCode: number, body: unknown, retryAfter = 0): Answer {
	const headers = retryAfter > 0 ? { 'retry-after': String(retryAfter) } : {};
	return { statusCode, headers: { ...headers, traceparent: `00-${SECRETS.linkToken}` }, body };
}

/** @param asked the body of the request, for a host that repeats it */
export function bodyOf(body: Body, asked: unknown = {}): unknown {
	switch (body) {
		case 'empty':
			return '';
		case 'html':
			return '<html><body>upstream connect error</body></html>';
		case 'message':
			return { message: 'Please try again' };
		case 'problem':
			return { status: 400, title: 'Bad', detail: 'Not like this', code: '4002' };
		case 'congestion': {
			const sentence = 'parallel task over resource pack limit';
			return { message: sentence, detail: sentence, code: '1303' };
		}
		case 'usedUp': {
			const sentence = 'limit of the free trial usage';
			return { message: sentence, detail: sentence };
		}
		case 'null':
			return null;
		case 'list':
			return [];
		case 'number':
			return 200;
		case 'proto':
			return JSON.parse(
				'{"__proto__":{"data":{"task_id":"x"}},"constructor":1,"data":{"__proto__":{"status":"COMPLETED"}}}',
			);
		case 'oddId':
			return { data: { task_id: '../x?y', status: 'CREATED' }, task_info: { id: { a: 1 } } };
		case 'echo':
			// As a debugging gateway shows a request that it could not pass on.
			return { message: `cannot pass on ${JSON.stringify(asked)} with key ${SECRETS.apiKey}` };
	}
}

/** An error of n8n's request helper. @param isConnecting no byte was sent */
export function failure(code: string, isConnecting = false): Error {
	return Object.assign(new Error(`${code} of a simulated host`), {
		code,
		...(isConnecting ? { syscall: 'connect' } : {}),
	});
}
