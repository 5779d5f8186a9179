"""Chat templates: what plain formatting never needs, and that plain formatting stays quiet."""

import pytest

from sbom.model import Location
from scanner.artifacts import chat_template
from scanner.errors import LimitReached, Malformed
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Event, Evidence, Subject


def events(text: str | bytes, name: str = "chat_template.jinja", *, by_suffix: bool = False) -> list[Event]:
    limits = Limits()
    data = text.encode() if isinstance(text, str) else text
    subject = Subject(
        BytesSource(data), Location(name), name, limits, Budget(limits), claimed_by_suffix=by_suffix
    )
    return list(chat_template.inspect(subject))


CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system_message = messages[0]['content'] %}{% elif USE_DEFAULT_PROMPT == true and not '<<SYS>>' "
    "in messages[0]['content'] %}{% set loop_messages = messages %}"
    "{% set system_message = 'DEFAULT_SYSTEM' %}"
    "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}"
    "{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}"
    "{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
    "{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
LLAMA3 = (
    "{{- bos_token }}\n{%- if custom_tools is defined %}\n    {%- set tools = custom_tools %}\n{%- endif %}\n"
    "{%- if not date_string is defined %}\n  {%- if strftime_now is defined %}\n"
    '    {%- set date_string = strftime_now("%d %b %Y") %}\n  {%- else %}{%- set date_string = "26 Jul" %}'
    "{%- endif %}{%- endif %}\n{%- if messages[0]['role'] == 'system' %}"
    "{%- set system_message = messages[0]['content']|trim %}{%- set messages = messages[1:] %}{%- endif %}"
    '{%- if builtin_tools is defined or tools is not none %}{{- "Environment: ipython\\n" }}{%- endif %}'
    "{%- if builtin_tools is defined %}"
    '{{- "Tools: " + builtin_tools | reject(\'equalto\', \'code_interpreter\') | join(", ") + "\\n\\n"}}'
    '{%- endif %}{%- for t in tools %}{{- t | tojson(indent=4) }}{{- "\\n\\n" }}{%- endfor %}'
    "{%- for message in messages %}"
    "{%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim }}"
    "{%- elif 'tool_calls' in message %}{%- if not message.tool_calls|length == 1 %}"
    '{{- raise_exception("This model only supports single tool-calls at once!") }}{%- endif %}'
    "{%- set tool_call = message.tool_calls[0].function %}"
    "{%- for arg_name, arg_val in tool_call.arguments | items %}"
    "{{- arg_name + '=\"' + arg_val + '\"' }}{%- if not loop.last %}{{- \", \" }}{%- endif %}{%- endfor %}"
    "{%- elif message.content is mapping or message.content is iterable %}{{- message.content | tojson }}"
    "{%- endif %}{%- endfor %}"
)
MISTRAL = (
    '{%- set loop_messages = messages if messages[0]["role"] != "system" else messages[1:] %}'
    '{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}'
    "{%- set ns = namespace() %}{%- set ns.index = 0 %}"
    '{%- for message in loop_messages if message.role != "tool" and not message.tool_calls %}'
    '{%- if (message["role"] == "user") != (ns.index % 2 == 0) %}{{- raise_exception("alternate") }}'
    "{%- endif %}{%- set ns.index = ns.index + 1 %}{%- endfor %}"
    '{{- "[AVAILABLE_TOOLS] [" }}{%- for tool in tools %}{%- set tool = tool.function %}'
    '{{- \'{"type": "function", "function": {\' }}'
    '{%- for key, val in tool.items() if key != "return" %}{%- if val is string %}'
    "{{- '\"' + key + '\": \"' + val + '\"' }}{%- else %}{{- '\"' + key + '\": ' + val|tojson }}{%- endif %}"
    '{%- endfor %}{{- "}}" }}{%- endfor %}'
    "{%- if message.tool_call_id is undefined or (message.tool_call_id|string)|length != 9 %}{%- endif %}"
)
QWEN3 = (
    "{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}\n"
    "{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}"
    '{%- if ns.multi_step_tool and message.role == "user" and message.content is string and not '
    "(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}"
    "{%- set ns.multi_step_tool = false %}{%- set ns.last_query_index = index %}{%- endif %}{%- endfor %}"
    "{%- set reasoning_content = message.content.split('</think>')[0].rstrip('\\n').split('<think>')[-1] %}"
    '{{- \'{"name": "\' ~ tool_call.name ~ \'", "arguments": \' }}'
    "{%- if loop.first or (not loop.last and messages[loop.index0 - 1].role != 'tool') %}{%- endif %}"
    "{# a comment with __class__ #}{% raw %}{{ ''.__class__ }}{% endraw %}"
)
TOOLS = (
    "{%- macro json_to_python_type(json_spec, depth=0) %}"
    "{%- set basic = {'string': 'str', 'number': 'float'} %}"
    "{%- if basic[json_spec.type] is defined %}{{- basic[json_spec.type] }}"
    '{%- elif json_spec.type == "array" %}{{- "list[" + json_to_python_type(json_spec|items) + "]" }}'
    '{%- elif json_spec["type"] in ("a", "b",) %}{%- endif %}{%- endmacro %}'
    "{% generation %}{{ messages|map(attribute='content')|join('\\n') }}{% endgeneration %}"
    "{% for x in range(0, 10, 2) %}{% if x is divisibleby 3 %}{% break %}{% endif %}{% endfor %}"
    "{{ params['a' ~ i] }}{{ x if x }}{{ -1 ** 2 // 3 }}{{ 1.5e3 }}{{ [1, 2,][-1] }}{{ a.0.b }}"
    "{% call(user) list_users() %}{{ user }}{% endcall %}{% filter upper|trim %}x{% endfilter %}"
    "{% with a = 1, b = {'k': {'x': 1}} %}{% endwith %}{% set x | upper %}y{% endset %}"
    "{% set a, b = 1, 2 %}{{ 'the __init__ of it' }}"
    "{{ x is not none and y is sameas(none) or z is test.of 1 }}"
)


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(CHATML, id="chatml"),
        pytest.param(LLAMA2, id="llama 2"),
        pytest.param(LLAMA3, id="llama 3"),
        pytest.param(MISTRAL, id="mistral"),
        pytest.param(QWEN3, id="qwen 3"),
        pytest.param(TOOLS, id="macros, tags of transformers, every operator"),
        pytest.param("", id="empty"),
        pytest.param("def f(self):\n  self.__class__ {", id="text that is not Jinja"),
    ],
)
def test_honest_templates_give_nothing(template: str) -> None:
    assert events(template) == []


@pytest.mark.parametrize(
    ("template", "word"),
    [
        pytest.param("{{ ''.__class__ }}", "__class__", id="an attribute"),
        pytest.param(
            "{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}", "__base__", id="a walk"
        ),
        pytest.param("{{ ''['__class__'] }}", "__class__", id="a subscript"),
        pytest.param("{{ cycler.__init__.__globals__.os.popen('id').read() }}", "cycler", id="cycler"),
        pytest.param("{{ lipsum.__globals__['os'] }}", "lipsum", id="lipsum"),
        pytest.param("{{ namespace.__init__ }}", "namespace", id="namespace itself"),
        pytest.param("{{ x|attr('__class__') }}", "attr", id="the filter attr"),
        pytest.param("{{ x|map(attribute='__class__') }}", "__class__", id="the filter map"),
        pytest.param("{{ [x]|map('attr', '__class__')|list }}", "__class__", id="attr by map"),
        pytest.param("{{ [x]|groupby('__class__') }}", "__class__", id="the filter groupby"),
        pytest.param("{{ self._TemplateReference__context }}", "_TemplateReference", id="the context"),
        pytest.param("{{ f.func_globals }}", "func_globals", id="internals without underscores"),
        pytest.param("{{ g.gi_frame.f_back }}", "gi_frame", id="frames"),
        pytest.param("{% include '/etc/passwd' %}", "include", id="include"),
        pytest.param("{%- import 'x' as y -%}", "import", id="import"),
        pytest.param("{% from 'x' import y %}", "from", id="from"),
        pytest.param("{% extends 'x' %}", "extends", id="extends"),
        pytest.param("{{ open('/etc/passwd') }}", "open", id="a builtin"),
        pytest.param("{{ '{0.__class__}'.format(x) }}", "__class__", id="a format string"),
        pytest.param("{% set x = y.__class__ %}", "__class__", id="in a statement"),
        pytest.param("{{ f(a, b=[{'k': x.__class__}]) }}", "__class__", id="deep in arguments"),
    ],
)
def test_what_the_sandbox_refuses_is_named(template: str, word: str) -> None:
    found = [event for event in events(template) if isinstance(event, Evidence)]
    assert {item.rule for item in found} == {"ART-011"}
    assert any(word in item.message for item in found)


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{{ ''['__cla' ~ 'ss__'] }}", id="joined by tilde"),
        pytest.param("{{ ''['__cla' + 'ss__'] }}", id="added"),
        pytest.param("{{ ''['__cla' 'ss__'] }}", id="side by side"),
        pytest.param("{{ ''|attr(['__cla', 'ss__']|join) }}", id="a list joined"),
        pytest.param("{{ ''|attr('__ssalc__'|reverse) }}", id="reversed by filter"),
        pytest.param("{{ ''['__ssalc__'[::-1]] }}", id="reversed by slice"),
        pytest.param(r"{{ ''['\x5f\x5fclass\x5f\x5f'] }}", id="escapes"),
        pytest.param(r"{{ ''['\137\137class\137\137'] }}", id="octal escapes"),
        pytest.param("{{ ''['%c%cclass%c%c'|format(95, 95, 95, 95)] }}", id="formatted"),
        pytest.param("{{ ''['%s' % '__class__'] }}", id="percent"),
        pytest.param("{% set u = '_' * 2 %}{{ ''[u ~ 'class' ~ u] }}", id="underscores in a variable"),
        pytest.param("{% set k = '__class__' %}{{ ''[k] }}", id="the name in a variable"),
        pytest.param("{{ ''[dict(__class__=1)|list|first] }}", id="a keyword's name"),
        pytest.param("{{ ''|attr(request.args.x) }}", id="a name from outside"),
        pytest.param("{{ ''|attr((lipsum|string)[18] * 2 ~ 'class') }}", id="underscores out of a function"),
        pytest.param("{{ ''['XXclassXX'|replace('X', '_')] }}", id="replaced"),
        pytest.param("{{ ''['__CLASS__'|lower] }}", id="lowered"),
        pytest.param("{{ ''[x ~ '__' ~ y] }}", id="pieces that do not fold"),
        pytest.param("{{ ( ''\n.\n__class__ ) }}", id="spread over lines"),
        pytest.param("{{ {'}}': ''.__class__} }}", id="an end inside brackets"),
        pytest.param("{% if x %}{{ '}}' ~ ''.__class__ }}{% endif %}", id="an end inside a text"),
        pytest.param("{#-#}{{ ''.__class__ }}{# #}", id="between comments"),
        pytest.param("{% raw %}{% endraw %}{{ ''.__class__ }}", id="behind a raw block"),
        pytest.param("{% set k %}__class__{% endset %}{{ ''[k] }}", id="a rendered block"),
        pytest.param("{% macro k() %}__class__{% endmacro %}{{ ''[k()] }}", id="a macro"),
        pytest.param("{% set a, b = '__', 'class' %}{{ x[a ~ b ~ a] }}", id="several variables at once"),
        pytest.param("{% set ns.a = '__init__' %}{{ x[ns.a] }}", id="a namespace"),
        pytest.param("{% unknown ''.__class__ %}", id="a tag nobody knows"),
    ],
)
def test_hidden_names_are_seen_as_what_they_become(template: str) -> None:
    assert any(isinstance(event, Evidence) and event.rule == "ART-011" for event in events(template))


@pytest.mark.parametrize(
    ("template", "error"),
    [
        pytest.param("{{ a", Malformed, id="never ends"),
        pytest.param("{{ a ? b }}", Malformed, id="a mark that Jinja has not"),
        pytest.param("{{ f(a }}", Malformed, id="a bracket never closed"),
        pytest.param("{# a", Malformed, id="a comment never closed"),
        pytest.param("{% raw %} a", Malformed, id="a raw block never closed"),
        pytest.param("{{ a.| }}", Malformed, id="no attribute"),
        pytest.param(b"\xff{{ a }}", Malformed, id="no UTF-8"),
        pytest.param("{{ " + "(" * 100_000, (LimitReached, Malformed), id="nested deep"),
        pytest.param("{{ " + "(" * 500 + "a" + ")" * 500 + " }}", LimitReached, id="nested deep and closed"),
        pytest.param("{{ " + "not " * 50_000 + "- " * 50_000 + "a ? }}", Malformed, id="many signs"),
    ],
)
def test_broken_templates_end_in_an_outcome(
    template: str | bytes, error: type[Exception] | tuple[type[Exception], ...]
) -> None:
    with pytest.raises(error):
        events(template)


def test_what_stands_before_a_break_is_kept() -> None:
    found: list[Event] = []
    limits = Limits()
    data = BytesSource(b"{{ ''.__class__ }}{{ a ? b }}")
    subject = Subject(data, Location("t"), "chat_template.jinja", limits, Budget(limits))
    with pytest.raises(Malformed):
        found.extend(chat_template.inspect(subject))
    assert [event.rule for event in found if isinstance(event, Evidence)] == ["ART-011"]


def test_templates_of_an_application_may_include_and_have_their_own_tags() -> None:
    page = "{% extends 'base.html' %}{% include 'a.html' %}{% trans %}x{% endtrans %}{{ a ? b }}"
    assert events(page, "page.html.jinja", by_suffix=True) == []
    assert events("{{ ''.__class__ }}", "template.jinja", by_suffix=True)


def test_lines_are_those_of_the_template() -> None:
    (item,) = (event for event in events("a\n\n{{ ''.__class__ }}") if isinstance(event, Evidence))
    assert item.where.line == 3
