import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** The request to a model holds the conversation so far. */
interface Conversation {
	messages: Array<{ role: string; content?: unknown }>;
}

/** A chat model that calls a tool, and then says what that has answered to each call. */
export interface ChatModel {
	url: string;
	stop(): Promise<void>;
}

/**
 * Starts a model that speaks the API of OpenAI's chat completions.
 * @param tool the name by which n8n offers it
 * @param inputs what the tool is called with, once for each
 * @param failures so often it fails where it should say what the tool has answered
 */
export async function startChatModel(
	tool: string,
	inputs: Array<Record<string, unknown>>,
	failures = 0,
): Promise<ChatModel> {
	let failuresLeft = failures;
	const server = http.createServer(async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const { messages } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Conversation;
		const answers = messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
		const isAsked = answers.length > 0;
		if (isAsked && failuresLeft-- > 0) {
			// Of a status of 500 and more, n8n's model node would ask again by itself.
			response.writeHead(400, { 'content-type': 'application/json' });
			response.end(JSON.stringify({ error: { message: 'The model did not answer' } }));
			return;
		}
		const calls = inputs.map((input, index) => ({
			id: `call_${index}`,
			type: 'function',
			function: { name: tool, arguments: JSON.stringify(input) },
		}));
		const message = isAsked
			? { role: 'assistant', content: JSON.stringify(answers) }
			: { role: 'assistant', content: null, tool_calls: calls };
		response.writeHead(200, { 'content-type': 'application/json' });
		response.end(
			JSON.stringify({
				id: 'chatcmpl-1',
				object: 'chat.completion',
				created: 0,
				model: 'model',
				choices: [{ index: 0, message, finish_reason: isAsked ? 'stop' : 'tool_calls' }],
				usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
			}),
		);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}/v1`,
		stop: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}
