import type {
	IAuthenticate,
	ICredentialDataDecryptedObject,
	ICredentialTestRequest,
	ICredentialType,
	IHttpRequestOptions,
	INodeProperties,
	Icon,
} from 'n8n-workflow';
import { sign } from '../nodes/shared/http/sign';

/** Every status but 404, which is what a good key gets for a task that cannot exist. */
const ALL_BUT_NOT_FOUND = Array.from({ length: 300 }, (_, n) => 300 + n).filter((s) => s !== 404);

export class MuleRouterApi implements ICredentialType {
	name = 'muleRouterApi';

	displayName = 'MuleRouter API';

	icon: Icon = { light: 'file:../icons/muleRouter.svg', dark: 'file:../icons/muleRouter.dark.svg' };

	documentationUrl = 'https://www.mulerouter.ai/docs';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: 'From the MuleRouter or MuleRun console',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://api.mulerouter.ai',
			description:
				'Where the API lives; https://api.mulerun.com for MuleRun keys. A task is found only on the site that made it.',
		},
		{
			displayName: 'Webhook Secret',
			name: 'webhookSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description:
				'The secret shown beside the webhook in the console; only the Kling V2V Trigger needs it, if its Authentication is Signature. It has 16 bytes or more.',
		},
	];

	/** A function, and no expression: the trigger calls the API after it has given its sandbox for expressions back. */
	authenticate: IAuthenticate = async (
		credentials: ICredentialDataDecryptedObject,
		request: IHttpRequestOptions,
	): Promise<IHttpRequestOptions> =>
		sign(credentials, request, (apiKey) => ({ Authorization: `Bearer ${apiKey}` }));

	/** There is nothing to list, so a task that cannot exist is asked for: "not found" means "come in". */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{ $credentials.baseUrl }}',
			url: '/vendors/klingai/v1/kling-v3-omni/video-to-video/generation/00000000-0000-4000-8000-000000000000',
			disableFollowRedirect: true,
			ignoreHttpStatusErrors: { ignore: true, except: ALL_BUT_NOT_FOUND },
			timeout: 20_000,
		},
		rules: [
			{
				type: 'responseCode',
				properties: {
					value: 401,
					message: 'MuleRouter does not accept this API key: paste it again',
				},
			},
			{
				type: 'responseCode',
				properties: {
					value: 403,
					message: 'MuleRouter does not let this API key use Kling 3 Omni',
				},
			},
		],
	};
}
