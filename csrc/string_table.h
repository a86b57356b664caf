/* Every Python string that C code uses, made once per interpreter and interned:
 * state->strings.<name>.
 *
 * STRING(name): the C name and the text are the same. NAMED(name, text): they differ. */
#ifndef CASGI_STRING_TABLE_H
#define CASGI_STRING_TABLE_H

#define MODULE_STRINGS(STRING, NAMED)                                                              \
    STRING(add_done_callback)                                                                      \
    STRING(add_reader)                                                                             \
    STRING(application)                                                                            \
    STRING(asgi)                                                                                   \
    STRING(attributes_for)                                                                         \
    STRING(base_send)                                                                              \
    STRING(body)                                                                                   \
    STRING(bytes)                                                                                  \
    STRING(call_exception_handler)                                                                 \
    STRING(call_later)                                                                             \
    STRING(call_soon)                                                                              \
    STRING(call_soon_threadsafe)                                                                   \
    STRING(cancel)                                                                                 \
    STRING(client)                                                                                 \
    STRING(code)                                                                                   \
    STRING(context)                                                                                \
    STRING(count)                                                                                  \
    STRING(create_task)                                                                            \
    STRING(done)                                                                                   \
    STRING(eager_start)                                                                            \
    STRING(exception)                                                                              \
    STRING(extensions)                                                                             \
    STRING(file)                                                                                   \
    STRING(get_key)                                                                                \
    STRING(get_map)                                                                                \
    STRING(get_task_factory)                                                                       \
    STRING(group)                                                                                  \
    STRING(headers)                                                                                \
    STRING(http)                                                                                   \
    STRING(is_closed)                                                                              \
    STRING(http_version)                                                                           \
    STRING(https)                                                                                  \
    STRING(include_self)                                                                           \
    STRING(links)                                                                                  \
    STRING(loop)                                                                                   \
    STRING(message)                                                                                \
    STRING(method)                                                                                 \
    STRING(modify)                                                                                 \
    STRING(more_body)                                                                              \
    STRING(more_trailers)                                                                          \
    STRING(name)                                                                                   \
    STRING(offset)                                                                                 \
    STRING(on_deliver)                                                                             \
    STRING(on_message)                                                                             \
    STRING(path)                                                                                   \
    STRING(path_template)                                                                          \
    STRING(query_string)                                                                           \
    STRING(raw_path)                                                                               \
    STRING(reason)                                                                                 \
    STRING(remove_reader)                                                                          \
    STRING(root_path)                                                                              \
    STRING(route)                                                                                  \
    STRING(run)                                                                                    \
    STRING(scheme)                                                                                 \
    STRING(scope)                                                                                  \
    STRING(seek)                                                                                   \
    STRING(select)                                                                                 \
    STRING(set_result)                                                                             \
    STRING(server)                                                                                 \
    STRING(spec_version)                                                                           \
    STRING(state)                                                                                  \
    STRING(status)                                                                                 \
    STRING(subprotocol)                                                                            \
    STRING(subprotocols)                                                                           \
    STRING(tell)                                                                                   \
    STRING(text)                                                                                   \
    STRING(timeout)                                                                                \
    STRING(trailers)                                                                               \
    STRING(tls)                                                                                    \
    STRING(type)                                                                                   \
    STRING(unregister)                                                                             \
    STRING(version)                                                                                \
    STRING(websocket)                                                                              \
    STRING(ws)                                                                                     \
    STRING(wss)                                                                                    \
    NAMED(task_factory, "_task_factory")                                                           \
    NAMED(on_task_done, "_on_task_done")                                                           \
    NAMED(get_method, "GET")                                                                       \
    NAMED(register_, "register")                                                                   \
    NAMED(http_1_0, "1.0")                                                                         \
    NAMED(http_1_1, "1.1")                                                                         \
    NAMED(http_request, "http.request")                                                            \
    NAMED(http_disconnect, "http.disconnect")                                                      \
    NAMED(http_response_start, "http.response.start")                                              \
    NAMED(http_response_body, "http.response.body")                                                \
    NAMED(http_response_pathsend, "http.response.pathsend")                                        \
    NAMED(http_response_zerocopysend, "http.response.zerocopysend")                                \
    NAMED(http_response_early_hint, "http.response.early_hint")                                    \
    NAMED(http_response_trailers, "http.response.trailers")                                        \
    NAMED(websocket_connect, "websocket.connect")                                                  \
    NAMED(websocket_receive, "websocket.receive")                                                  \
    NAMED(websocket_disconnect, "websocket.disconnect")                                            \
    NAMED(websocket_accept, "websocket.accept")                                                    \
    NAMED(websocket_send, "websocket.send")                                                        \
    NAMED(websocket_close, "websocket.close")                                                      \
    NAMED(websocket_http_response_start, "websocket.http.response.start")                          \
    NAMED(websocket_http_response_body, "websocket.http.response.body")                            \
    NAMED(websocket_http_response, "websocket.http.response")                                      \
    NAMED(websocket_group, "websocket.group")                                                      \
    NAMED(websocket_group_add, "websocket.group.add")                                              \
    NAMED(websocket_group_discard, "websocket.group.discard")                                      \
    NAMED(websocket_group_send, "websocket.group.send")                                            \
    NAMED(asgi_version, "3.0")                                                                     \
    NAMED(http_spec_version, "2.3")                                                                \
    NAMED(websocket_spec_version, "2.5")

#endif
