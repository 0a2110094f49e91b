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

export class MagnificApi implements ICredentialType {
	name = 'magnificApi';

	displayName = 'Magnific API';

	icon: Icon = { light: 'file:../icons/magnific.svg', dark: 'file:../icons/magnific.dark.svg' };

	documentationUrl = 'https://docs.magnific.com/authentication';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: 'From your Magnific (formerly Freepik) account, under API keys',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://api.magnific.com',
			description:
				'Where the API lives. Keys of the older Freepik API can use https://api.freepik.com.',
		},
		{
			displayName: 'Webhook Secret',
			name: 'webhookSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description:
				'Signing secret of your webhooks; only the Kling V2V Trigger needs it, to tell real callbacks from forged ones. It has 16 bytes or more.',
		},
	];

	/** The header's name follows the host: the older one still goes by the Freepik name. */
	authenticate: IAuthenticate = async (
		credentials: ICredentialDataDecryptedObject,
		request: IHttpRequestOptions,
	): Promise<IHttpRequestOptions> =>
		sign(credentials, request, (apiKey, host) => ({
			[/(^|\.)freepik\.com$/.test(host) ? 'x-freepik-api-key' : 'x-magnific-api-key']: apiKey,
		}));

	/** Listing tasks costs nothing and needs the key. A redirect would take the key elsewhere. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{ $credentials.baseUrl }}',
			url: '/v1/ai/reference-to-video/kling-v3-omni',
			disableFollowRedirect: true,
			timeout: 20_000,
		},
		rules: [
			{
				type: 'responseCode',
				properties: {
					value: 401,
					message: 'Magnific does not accept this API key: paste it again',
				},
			},
			{
				type: 'responseCode',
				properties: {
					value: 403,
					message: 'Magnific knows this API key, but does not let it use Kling 3 Omni',
				},
			},
			{
				type: 'responseCode',
				properties: {
					value: 404,
					message: 'The host answered, but is no Magnific API: check the Base URL',
				},
			},
		],
	};
}
